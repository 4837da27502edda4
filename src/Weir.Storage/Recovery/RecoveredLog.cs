using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage.Recovery;

/// <summary>
/// How a new segment continues the log: the link that its header carries. A segment file belongs to one run of one process,
/// so after opening the next append always begins a new file (which replaces a last one that holds no records).
/// </summary>
/// <param name="PreviousLength">Bytes of the segment before that belong to the log; 0: there is none.</param>
/// <param name="PreviousLastFrameBytes">Bytes of its last frame; 0: it has none.</param>
/// <param name="PreviousChecksum">Checksum of that frame, or of its header when it has none.</param>
internal readonly record struct SegmentLink(long PreviousLength, int PreviousLastFrameBytes, uint PreviousChecksum);

/// <summary>What recovery hands to the log.</summary>
/// <param name="Segments">Ascending; all sealed. Their readable lengths exclude a last segment's unproven tail, which is in <paramref name="Tail"/>.</param>
/// <param name="Link">How the next segment continues.</param>
/// <param name="Cut">Bytes after the last intact frame, to be kept aside; null when there are none.</param>
/// <param name="LastAppendTimeMs">Of the last frame; the smallest value when there is none.</param>
/// <param name="Tail">Whole, intact frames without proof of a flush, to be written again; null when there are none.</param>
internal sealed record RecoveredLog(
    List<Segment> Segments,
    SegmentLink Link,
    UnprovenTail? Tail,
    CutTail? Cut,
    Offset Start,
    Offset End,
    long LastAppendTimeMs,
    RecoveryReport Report);

/// <param name="Path">The last segment.</param>
/// <param name="FilePosition">Where its first unproven frame begins.</param>
/// <param name="Length">End (exclusive) of the intact frames.</param>
/// <param name="BaseOffset">Offset of the first unproven record.</param>
/// <param name="Whole">The segment with these frames.</param>
internal sealed record UnprovenTail(string Path, long FilePosition, long Length, Offset BaseOffset, Segment Whole);

/// <param name="Path">The last segment.</param>
/// <param name="FilePosition">Where the first bad byte lies.</param>
internal sealed record CutTail(string Path, long FilePosition, long Bytes);
