using System.Globalization;
using System.Text;

namespace Weir.CrashTests.CrashStates;

/// <summary>Recordings written by hand, as strace would, and layouts written so that they can be compared by eye.</summary>
internal static class HandMade
{
    /// <summary>Reads lines of strace as calls below <c>/r/d</c>. A <c>@600*A</c> stands for a text of 600 times A.</summary>
    public static Recording Recording(params string[] lines)
    {
        IReadOnlyList<SystemCall> calls = StraceLog.Parse([.. lines.Select(Expand)]);
        IReadOnlyList<FileCall> fileCalls = FileCallReader.Read(calls, "/r", "d", new FileTree(), firstLine: 0, out IReadOnlyList<FileCall> unfinished);
        Assert.Empty(unfinished);
        return new Recording(fileCalls, [], lines.Length);
    }

    /// <summary><c>d/ d/a=A600,0*88</c>: directories end with a slash, files show runs of equal bytes, zeros as 0.</summary>
    public static string Show(Layout layout) => string.Join(' ', layout.Directories.Select(directory => directory + "/").Concat(layout.Files.Select(file => $"{file.Key}={Show(file.Value)}")).Order(StringComparer.Ordinal));

    private static string Show(byte[] content)
    {
        var runs = new List<string>();
        for (int from = 0, to; from < content.Length; from = to)
        {
            to = from;
            while (to < content.Length && content[to] == content[from])
            {
                to++;
            }

            runs.Add(string.Create(CultureInfo.InvariantCulture, $"{(content[from] == 0 ? '0' : (char)content[from])}*{to - from}"));
        }

        return string.Join(',', runs);
    }

    private static string Expand(string line)
    {
        int at = line.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
        {
            return line;
        }

        int star = line.IndexOf('*', at);
        int count = int.Parse(line.AsSpan(at + 1, star - at - 1), CultureInfo.InvariantCulture);
        return new StringBuilder(line[..at]).Append('"').Append(line[star + 1], count).Append('"').Append(line, star + 2, line.Length - star - 2).ToString();
    }
}
