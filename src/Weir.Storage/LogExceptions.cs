using System.Globalization;
using Weir.Core;

namespace Weir.Storage;

/// <summary>
/// A write or flush of this log failed, now or earlier. Nothing that was not flushed before is acknowledged, ever; this
/// object is finished. Not retryable on it: dispose it and open the partition again, which recovers into a new segment.
/// </summary>
public sealed class LogPoisonedException : WeirException
{
    public LogPoisonedException(string directory, Exception cause)
        : base((cause as WeirException)?.Code == ErrorCode.DiskFull ? ErrorCode.DiskFull : ErrorCode.FlushFailed, $"The log in {directory} has stopped: {cause.Message}", cause)
    {
    }
}

/// <summary>An append to a partition whose log is damaged, or which was opened read-only. Retrying cannot help.</summary>
public sealed class LogReadOnlyException : WeirException
{
    public LogReadOnlyException(string directory, string reason)
        : base(ErrorCode.PartitionReadOnly, $"The log in {directory} is read-only: {reason}")
    {
    }
}

/// <summary>Bytes below the durable end are not what was written. Raised by reads; other offsets stay readable. Retrying cannot help.</summary>
public sealed class LogDamagedException : WeirException
{
    public LogDamagedException(DamagedRange range)
        : base(ErrorCode.LogDamaged, range.ToString()) => Range = range;

    public DamagedRange Range { get; }
}

/// <summary>A read below the log start (retention has deleted it) or above the log end. Retrying the same offset cannot help.</summary>
public sealed class OffsetNotStoredException : WeirException
{
    public OffsetNotStoredException(Offset offset, Offset start, Offset end)
        : base(ErrorCode.InvalidPosition, string.Create(CultureInfo.InvariantCulture, $"Offset {offset} is not stored: the partition holds [{start}, {end})."))
    {
    }
}

/// <summary>Where bytes are damaged and which records that concerns.</summary>
/// <param name="File">Path of the file.</param>
/// <param name="FilePosition">Where the first bad frame begins.</param>
/// <param name="Start">First offset concerned, inclusive.</param>
/// <param name="End">End of the offsets concerned, exclusive; null when only reading can tell how far the damage goes.</param>
/// <param name="Fault">What was expected and found.</param>
public sealed record DamagedRange(string File, long FilePosition, Offset Start, Offset? End, string Fault)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{File} is damaged at file position {FilePosition}: {Fault} Offsets concerned: {(End is Offset end ? $"{Start} to {end} (exclusive)" : $"from {Start}")}.");
}
