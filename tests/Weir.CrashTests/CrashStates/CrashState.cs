using System.Globalization;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// One state that the disk may be in when power is lost just before line <see cref="Horizon"/> of a recording: what became of each call that was not flushed by
/// then.
/// </summary>
internal sealed class CrashState
{
    public required int Horizon { get; init; }

    /// <summary>Calls that began at this line or later left nothing.</summary>
    public required int Until { get; init; }

    /// <summary>What became of the unflushed calls that <see cref="Fates"/> does not name.</summary>
    public required Fate Otherwise { get; init; }

    /// <summary>By the call's place in the recording.</summary>
    public required IReadOnlyDictionary<int, Fate> Fates { get; init; }

    /// <summary>Which other file's bytes lie where a file has grown and nothing arrived; null: zeros.</summary>
    public int? Stale { get; init; }

    /// <summary>Sort of the newest call, so that a choice among many states has some of each.</summary>
    public string Sort { get; init; } = "";

    public Fate Of(Recording recording, int call) =>
        recording.IsDurable(call, Horizon) ? Fate.Kept
        : recording.Calls[call].Began >= Until ? Fate.Lost
        : Fates.TryGetValue(call, out Fate fate) ? fate : Otherwise;

    /// <summary>Equal for states that the same calls make in the same way.</summary>
    public ulong Signature(Recording recording)
    {
        ulong sum = Stale is { } seed ? Fate.Mix((ulong)seed) : 0;
        for (int i = 0; i < recording.Calls.Count; i++)
        {
            if (recording.Calls[i].IsChange)
            {
                sum = unchecked(sum + Of(recording, i).Signature(i));
            }
        }

        return sum;
    }

    /// <summary>Line, and every unflushed call with its fate.</summary>
    public string Describe(Recording recording)
    {
        IEnumerable<string> open = Enumerable.Range(0, recording.Calls.Count)
            .Where(i => recording.Calls[i].IsChange && recording.Calls[i].Began < Horizon && !recording.IsDurable(i, Horizon))
            .Select(i => $"  {Of(recording, i)}: {recording.Calls[i]}");
        return string.Create(CultureInfo.InvariantCulture, $"power lost before line {Horizon} of {recording.End}, nothing of what began at {Until} or later, {(Stale is { } stale ? $"stale bytes ({stale})" : "zeros")} where nothing arrived; not flushed:\n{string.Join('\n', open)}");
    }
}
