using System.Globalization;
using Weir.Core;

namespace Weir.Storage;

/// <summary>What opening a partition found.</summary>
public enum RecoveryOutcome
{
    /// <summary>Every byte was as written.</summary>
    Clean = 0,

    /// <summary>Bytes after the durable end were not whole frames: an unfinished write, never acknowledged. They were cut and kept aside.</summary>
    TailCut = 1,

    /// <summary>Bytes below the durable end are not what was written. The partition is read-only; nothing was changed.</summary>
    Damaged = 2,
}

/// <summary>The result of <see cref="PartitionLog.Open"/>, for the log line, the console and the tests.</summary>
/// <param name="Outcome">The worst that was found.</param>
/// <param name="End">Log end (exclusive) after recovery.</param>
/// <param name="CutBytes">Bytes of the tail that was cut; 0 unless the outcome is <see cref="RecoveryOutcome.TailCut"/>.</param>
/// <param name="CutFile">Path of the file that keeps the cut bytes; null when they were all zero, or nothing was cut.</param>
/// <param name="RewrittenRecords">Records after the last proof of a flush: written again and flushed before anybody reads them.</param>
/// <param name="Damage">What is damaged, in offset order.</param>
public sealed record RecoveryReport(RecoveryOutcome Outcome, Offset End, long CutBytes, string? CutFile, long RewrittenRecords, IReadOnlyList<DamagedRange> Damage)
{
    /// <summary>One sentence or more for people.</summary>
    public override string ToString() => Outcome switch
    {
        RecoveryOutcome.Damaged => $"The log is damaged and read-only, nothing was cut. {string.Join(' ', Damage)}",
        RecoveryOutcome.TailCut => string.Create(
            CultureInfo.InvariantCulture,
            $"The log ends at {End}; {CutBytes} bytes of an unfinished write after it were cut{(CutFile is null ? " (all zero)" : $" and kept in {CutFile}")}."),
        _ when RewrittenRecords > 0 => string.Create(
            CultureInfo.InvariantCulture,
            $"The log ends at {End}; the last {RewrittenRecords} records had no proof of a flush and were written and flushed again."),
        _ => string.Create(CultureInfo.InvariantCulture, $"The log ends at {End}; every byte is as written."),
    };
}
