namespace Weir.CrashTests;

/// <summary>One call in a strace log.</summary>
/// <param name="Began">Line on which it was entered; lines are in the order of what happened, over all threads.</param>
/// <param name="Ended">Line on which it returned; the last one of the log when it never did.</param>
/// <param name="EndedAt">When it returned by the wall clock, seconds since 1970; 0: not recorded.</param>
/// <param name="File">Which opening of which file the descriptor stands for: a name that is used again later is another file. Null where there is none.</param>
/// <param name="Failed">It returned -1.</param>
/// <param name="Result">What it returned, as strace shows it; empty when it never did.</param>
internal sealed record SystemCall(int Began, int Ended, decimal EndedAt, int Thread, string Name, string Arguments, OpenedFile? File, bool Failed, bool HasReturned, string Result)
{
    /// <summary>strace decided what it returned, and it was not made.</summary>
    public bool IsInjected => Result.Contains("INJECTED", StringComparison.Ordinal);
}

/// <summary>An opening of a file: the path that it was opened by. Compared by identity.</summary>
internal sealed class OpenedFile(string path)
{
    public string Path { get; } = path;

    public override string ToString() => Path;
}
