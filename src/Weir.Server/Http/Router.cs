using Microsoft.AspNetCore.Http;
using Weir.Core;

namespace Weir.Server.Http;

/// <summary>
/// Finds the handler of a request by its table. The call that carries the load is tried first, by two comparisons; the others by walking the table.
/// </summary>
internal sealed class Router(EventsEndpoint events, IReadOnlyList<Route> routes)
{
    private const string StreamsPrefix = "/v1/streams/";
    private const string EventsSuffix = "/events";

    public IReadOnlyList<Route> Routes { get; } = routes;

    public Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        if (HttpMethods.IsPost(context.Request.Method)
            && path.EndsWith(EventsSuffix, StringComparison.Ordinal)
            && path.StartsWith(StreamsPrefix, StringComparison.Ordinal)
            && path.Length > StreamsPrefix.Length + EventsSuffix.Length)
        {
            ReadOnlySpan<char> name = path.AsSpan(StreamsPrefix.Length, path.Length - StreamsPrefix.Length - EventsSuffix.Length);
            if (!name.Contains('/'))
            {
                return events.HandleAsync(context, name.ToString());
            }
        }

        return HandleOther(context, path);
    }

    private Task HandleOther(HttpContext context, string path)
    {
        string method = HttpMethods.IsHead(context.Request.Method) ? HttpMethods.Get : context.Request.Method;
        List<string>? allowed = null;
        foreach (Route route in Routes)
        {
            if (!route.Matches(path, out Range name))
            {
                continue;
            }

            if (HttpMethods.Equals(route.Method, method))
            {
                return route.Handler(context, path[name]);
            }

            (allowed ??= []).Add(route.Method);
        }

        if (allowed is null)
        {
            return Problem.WriteAsync(context, ErrorCode.UnknownRoute, $"There is no {path}.");
        }

        context.Response.Headers.Allow = string.Join(", ", allowed);
        return Problem.WriteAsync(context, ErrorCode.MethodNotAllowed, $"{path} takes {string.Join(", ", allowed)}, not {context.Request.Method}.");
    }
}
