using Weir.Core;

namespace Weir.Storage;

/// <summary>One segment, for the console, retention and the derived files beside it.</summary>
/// <param name="Path">The .log file.</param>
/// <param name="BaseOffset">First offset, inclusive.</param>
/// <param name="End">Exclusive. For the active segment: the log end.</param>
/// <param name="Bytes">Bytes of the file that belong to the log.</param>
/// <param name="IsSealed">True when it will never change again.</param>
public sealed record SegmentInfo(string Path, Offset BaseOffset, Offset End, long Bytes, bool IsSealed);
