using Weir.Core;

namespace Weir.Engine;

/// <summary>A record read back from the log, with what the fold decided.</summary>
/// <param name="ReplacedOffset">With <c>keep: last</c>, the offset of the event it took the place of; else -1.</param>
/// <param name="Marker">Set for markers, which have no verdict.</param>
public sealed record StoredEvent(
    int Partition,
    long Offset,
    long AppendTimeMs,
    byte[]? Key,
    byte[] Value,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    Verdict Verdict,
    VerdictReason Reason,
    long ReplacedOffset,
    MarkerType? Marker);

/// <summary>What <see cref="EventStream.FindReceipts"/> looks for.</summary>
public enum ReceiptBy
{
    /// <summary>All events of an owner: the canonical key.</summary>
    Owner,

    /// <summary>All events with an id, in its canonical form, whoever owns them.</summary>
    Id,
}
