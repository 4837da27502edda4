using Weir.Core;

namespace Weir.Storage;

/// <summary>What a repair of one partition would do.</summary>
public sealed class LogRepairPlan
{
    internal LogRepairPlan(
        string directory,
        Offset start,
        Offset end,
        IReadOnlyList<(Offset Start, Offset End)> lost,
        IReadOnlyList<string> derivedFiles,
        IReadOnlyList<string> damage,
        IReadOnlyList<LogRepair.Place> kept)
    {
        Directory = directory;
        Start = start;
        End = end;
        Lost = lost;
        DerivedFiles = derivedFiles;
        Damage = damage;
        Kept = kept;
    }

    /// <summary>The partition.</summary>
    public string Directory { get; }

    /// <summary>First offset of the log.</summary>
    public Offset Start { get; }

    /// <summary>End (exclusive) of the log, the same after the repair.</summary>
    public Offset End { get; }

    /// <summary>Offsets whose records are damaged, ascending, ends exclusive. They stay, as markers.</summary>
    public IReadOnlyList<(Offset Start, Offset End)> Lost { get; }

    /// <summary>Damaged files that are made anew from the log: they are deleted.</summary>
    public IReadOnlyList<string> DerivedFiles { get; }

    /// <summary>The damage in words; empty: the log itself needs no repair.</summary>
    public IReadOnlyList<string> Damage { get; }

    /// <summary>Nothing is damaged.</summary>
    public bool IsNothing => Damage.Count == 0 && DerivedFiles.Count == 0;

    /// <summary>Records that are lost.</summary>
    public long LostRecords => Lost.Sum(range => range.End - range.Start);

    internal IReadOnlyList<LogRepair.Place> Kept { get; }
}
