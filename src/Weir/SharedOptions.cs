using System.CommandLine;
using Weir.Cli.Http;
using Weir.Core;

namespace Weir.Cli;

/// <summary>The options that several commands take, spelled and explained once.</summary>
internal static class SharedOptions
{
    public const string DefaultUrl = "http://127.0.0.1:8080";

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON document." };

    public static Option<string> Url() => new("--url")
    {
        Description = $"Address of the server. Default: the environment variable WEIR_URL, else {DefaultUrl}.",
        HelpName = "URL",
    };

    /// <summary>The server that <paramref name="option"/>, WEIR_URL or the default names.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.InvalidParameter"/>: not an http address.</exception>
    public static ServerClient Connect(this ParseResult parsed, Option<string> option)
    {
        string text = parsed.GetValue(option) ?? Environment.GetEnvironmentVariable("WEIR_URL") ?? DefaultUrl;
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            text = "http://" + text;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            ? new ServerClient(new Uri(url.GetLeftPart(UriPartial.Authority) + "/"))
            : throw new WeirException(ErrorCode.InvalidParameter, $"--url (or WEIR_URL) is '{text}'; an http address is expected, as in {DefaultUrl}");
    }
}
