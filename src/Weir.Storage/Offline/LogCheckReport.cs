using System.Globalization;
using Weir.Core;

namespace Weir.Storage;

/// <summary>One thing that is not as it was written.</summary>
/// <param name="File">Path.</param>
/// <param name="FilePosition">Where it begins.</param>
/// <param name="Start">First offset concerned; null when no offset can be named.</param>
/// <param name="End">End (exclusive) of the offsets concerned; null when only the start is known.</param>
/// <param name="IsDerived">True: the file is made anew from the log when it is needed, nothing is lost. False: the log or a base itself.</param>
/// <param name="Fault">What was expected and found; a full sentence.</param>
public sealed record LogFault(string File, long FilePosition, Offset? Start, Offset? End, bool IsDerived, string Fault)
{
    public override string ToString()
    {
        string offsets = (Start, End) switch
        {
            (Offset start, Offset end) => string.Create(CultureInfo.InvariantCulture, $" Offsets {start} to {end} (exclusive)."),
            (Offset start, null) => string.Create(CultureInfo.InvariantCulture, $" Offsets from {start}."),
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{File}, file position {FilePosition}: {Fault}{offsets}");
    }
}

/// <summary>What <see cref="LogCheck"/> found in one partition.</summary>
/// <param name="Segments">Segment files read.</param>
/// <param name="Frames">Intact frames, idle ones included.</param>
/// <param name="Records">Records in them.</param>
/// <param name="Bytes">Bytes of all files that were read.</param>
/// <param name="Start">First offset.</param>
/// <param name="End">End (exclusive).</param>
/// <param name="Faults">In the order in which the files were read; empty: every byte is as written.</param>
/// <param name="Notes">What is worth knowing and no fault: a tail that the next opening will cut, bytes kept aside, files that storage does not know.</param>
public sealed record LogCheckReport(int Segments, long Frames, long Records, long Bytes, Offset Start, Offset End, IReadOnlyList<LogFault> Faults, IReadOnlyList<string> Notes)
{
    /// <summary>The log and the bases are as written; derived files may have faults.</summary>
    public bool IsIntact => Faults.All(fault => fault.IsDerived);
}
