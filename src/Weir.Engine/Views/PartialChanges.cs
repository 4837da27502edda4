using Weir.Core;

namespace Weir.Engine;

/// <summary>Why and where a view stopped. The record at <see cref="Offset"/> is the first that is not in it.</summary>
/// <param name="Code"><see cref="ErrorCode.TooManyGroups"/> or <see cref="ErrorCode.SumOverflow"/>.</param>
/// <param name="Detail">A full sentence.</param>
public sealed record ViewStop(ErrorCode Code, int Partition, long Offset, string Detail);

/// <summary>
/// What a partition tells the read model: the absolute state of the groups that changed, and how far it has counted.
/// Immutable. Re-sent, doubled or stale changes do nothing.
/// </summary>
public sealed class PartialChanges
{
    internal PartialChanges(int partition, long end, bool isWhole, IReadOnlyList<GroupPartial> groups, long errorCount, IReadOnlyList<long> errorOffsets, ViewStop? stop)
    {
        Partition = partition;
        End = end;
        IsWhole = isWhole;
        Groups = groups;
        ErrorCount = errorCount;
        ErrorOffsets = errorOffsets;
        Stop = stop;
    }

    public int Partition { get; }

    /// <summary>Exclusive end of the offsets that are counted.</summary>
    public long End { get; }

    /// <summary>True when these are all groups of the partition, so that whatever else is known of it is void.</summary>
    public bool IsWhole { get; }

    /// <summary>Records of this partition that the view could not evaluate.</summary>
    public long ErrorCount { get; }

    /// <summary>The first <see cref="Sql.ViewLimits.MaxListedErrors"/> of them, ascending.</summary>
    public IReadOnlyList<long> ErrorOffsets { get; }

    /// <summary>Null while the view counts this partition.</summary>
    public ViewStop? Stop { get; }

    internal IReadOnlyList<GroupPartial> Groups { get; }
}

/// <summary>One group as one partition knows it. Immutable.</summary>
/// <param name="Key">Canonical group key.</param>
/// <param name="Rows">Records in it; 0: the partition has no such group any more.</param>
/// <param name="Values">One per aggregate of the plan; the one of <c>count(*)</c> is empty, it is <paramref name="Rows"/>.</param>
internal sealed record GroupPartial(byte[] Key, long WindowStartMs, long Rows, PartialValue[] Values);
