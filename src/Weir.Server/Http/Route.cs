using Microsoft.AspNetCore.Http;

namespace Weir.Server.Http;

/// <param name="name">What stands in the path at the pattern's <c>{…}</c>, percent-decoded; empty where it has none.</param>
internal delegate Task RouteHandler(HttpContext context, string name);

/// <summary>A query parameter or header of a call.</summary>
/// <param name="In"><c>query</c> or <c>header</c>.</param>
internal sealed record RouteParameter(string Name, string Description, string In = "query", bool IsRequired = false);

/// <summary>One call: how it is found and how /openapi.json describes it, so that the two cannot differ.</summary>
/// <param name="Pattern">Segments by slash, at most one of them <c>{name}</c>.</param>
/// <param name="Statuses">Every status the call itself gives; problem documents for those from 400.</param>
internal sealed record Route(string Method, string Pattern, string Summary, RouteHandler Handler, params int[] Statuses)
{
    private readonly string[] _segments = Pattern.Split('/');

    public IReadOnlyList<RouteParameter> Parameters { get; init; } = [];

    /// <summary>Media types of the request's body; none: it takes no body.</summary>
    public IReadOnlyList<string> Accepts { get; init; } = [];

    public string Produces { get; init; } = "application/json";

    /// <summary>True when the answer goes on until one side leaves.</summary>
    public bool IsFeed => Produces == "text/event-stream";

    /// <summary>True when the path is this route's, whatever the method.</summary>
    public bool Matches(ReadOnlySpan<char> path, out Range name)
    {
        name = default;
        int at = 0;
        foreach (string segment in _segments)
        {
            if (at > path.Length)
            {
                return false;
            }

            int length = path[at..].IndexOf('/');
            length = length < 0 ? path.Length - at : length;
            if (segment is ['{', ..] && length > 0)
            {
                name = at..(at + length);
            }
            else if (!path.Slice(at, length).SequenceEqual(segment))
            {
                return false;
            }

            at += length + 1;
        }

        return at == path.Length + 1;
    }
}
