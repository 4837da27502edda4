using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Weir.Core;

namespace Weir.Server.Http;

/// <summary>
/// Finds the handler of a request by its table. The call that carries the load is tried first, by two comparisons; the others by walking the table.
/// </summary>
internal sealed partial class Router(EventsEndpoint events, IReadOnlyList<Route> routes, ILogger log)
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
                return HandleEvents(context, name.ToString());
            }
        }

        return HandleOther(context, path);
    }

    private async Task HandleEvents(HttpContext context, string stream)
    {
        try
        {
            await events.TakeAsync(context, stream);
        }
        catch (Exception failure) when (!IsDisconnect(context, failure))
        {
            await FailAsync(context, failure);
        }
    }

    private async Task HandleOther(HttpContext context, string path)
    {
        try
        {
            await DispatchAsync(context, path);
        }
        catch (Exception failure) when (!IsDisconnect(context, failure))
        {
            await FailAsync(context, failure);
        }
    }

    // A client that went away has nobody to answer to; Kestrel ends the request by itself.
    private static bool IsDisconnect(HttpContext context, Exception failure) =>
        context.RequestAborted.IsCancellationRequested && failure is OperationCanceledException or IOException;

    private Task FailAsync(HttpContext context, Exception failure)
    {
        switch (failure)
        {
            case WeirException known:
                return Problem.WriteAsync(context, known);
            case BadHttpRequestException broken:
                ErrorCode code = broken.StatusCode == StatusCodes.Status413PayloadTooLarge ? ErrorCode.BodyTooLarge : ErrorCode.UnreadableBody;
                return Problem.WriteAsync(context, code, broken.Message, broken.StatusCode, retryAfter: null, members: null);
            default:
                Log.Failed(log, failure, context.Request.Method, context.Request.Path, context.TraceIdentifier);
                return Problem.WriteAsync(context, ErrorCode.Internal, "The request failed for a reason that is a defect of the server; its log has it under the trace id.");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Error, "{Method} {Path} failed (trace {TraceId})")]
        public static partial void Failed(ILogger log, Exception failure, string method, PathString path, string traceId);
    }

    private Task DispatchAsync(HttpContext context, string path)
    {
        bool isHead = HttpMethods.IsHead(context.Request.Method);
        string method = isHead ? HttpMethods.Get : context.Request.Method;
        List<string>? allowed = null;
        foreach (Route route in Routes)
        {
            if (!route.Matches(path, out Range name))
            {
                continue;
            }

            // A feed has no end, so there is no head to tell its length.
            if (HttpMethods.Equals(route.Method, method) && !(isHead && route.IsFeed))
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
