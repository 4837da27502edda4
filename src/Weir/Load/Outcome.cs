namespace Weir.Cli.Load;

/// <summary>What the server said of one event of a body.</summary>
/// <param name="Index">The event's place in the body, from 0.</param>
/// <param name="Verdict">A verdict's word, <c>durable</c>, <c>refused</c> or <c>unknown</c>.</param>
/// <param name="Code">The number of WEIR-nnnn; 0 when there is none.</param>
/// <param name="Offset">Where the record lies, for a duplicate the original; -1 when it was not appended.</param>
internal readonly record struct Outcome(int Index, string Verdict, int Code = 0, int Partition = -1, long Offset = -1)
{
    /// <summary>Nobody knows, or it was not taken for now: the event may be sent again.</summary>
    public bool IsOpen => Verdict == "unknown" || (Verdict == "refused" && Code is >= 4000 and < 6000);
}
