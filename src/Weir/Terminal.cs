using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Core;

namespace Weir.Cli;

/// <summary>
/// Where a command writes: results to <see cref="Out"/>, progress and errors to <see cref="Error"/>, so that a pipe gets the result only.
/// </summary>
internal sealed class Terminal
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true };

    /// <param name="isInteractive">Whether somebody watches <paramref name="error"/>: bars that redraw themselves, otherwise plain lines.</param>
    /// <param name="hasColor">Whether colours and styles may be used.</param>
    public Terminal(TextWriter output, TextWriter error, bool isInteractive, bool hasColor)
    {
        Out = output;
        Error = error;
        IsInteractive = isInteractive;
        HasColor = hasColor;
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool IsInteractive { get; }

    public bool HasColor { get; }

    /// <summary>The terminal of this process. NO_COLOR and TERM=dumb are honoured; CI counts as nobody watching.</summary>
    public static Terminal OfProcess()
    {
        bool dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        bool interactive = !Console.IsErrorRedirected && !dumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));
        bool color = interactive && !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new Terminal(Console.Out, Console.Error, interactive, color);
    }

    /// <summary>One JSON document, indented, with a line end.</summary>
    public void WriteJson(JsonNode document) => Out.WriteLine(document.ToJsonString(Indented));

    /// <summary>One JSON document on one line.</summary>
    public static string Line(JsonNode document) => document.ToJsonString(Compact);

    /// <summary>Code and sentence, then where and what was wrong, then what to do.</summary>
    public void WriteError(ErrorCode code, string detail)
    {
        ErrorInfo info = WeirErrors.Get(code);
        Error.WriteLine($"{info.Name}: {info.Sentence}");
        foreach (string line in detail.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Error.WriteLine($"  {line}");
        }

        Error.WriteLine($"  {info.Remedy}");
    }
}
