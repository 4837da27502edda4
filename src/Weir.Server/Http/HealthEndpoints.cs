using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>/livez, /healthz, /readyz. The status is the contract; the text is for people. Never logged.</summary>
internal sealed class HealthEndpoints(ServerState server)
{
    /// <summary>200 as long as the process can answer, also during recovery; 503 when the node has failed and only a restart helps.</summary>
    public Task LiveAsync(HttpContext context, string name)
    {
        bool isAlive = server.Node.State != NodeState.Failed;
        return WriteAsync(context, isAlive, isAlive ? "ok\n" : "failed: the node has stopped with an error; restart it\n");
    }

    private const int NamedTroubles = 20;

    /// <summary>
    /// 200 while requests should be sent here. <c>?verbose</c> lists each check. What is served in part (a full disk, a damaged partition) is named and does not
    /// change the status: everything else could be served nowhere else.
    /// </summary>
    public Task ReadyAsync(HttpContext context, string name)
    {
        (bool Ok, string Text)[] checks = Checks();
        bool isReady = Array.TrueForAll(checks, check => check.Ok);
        var text = new StringBuilder();
        if (context.Request.Query.ContainsKey("verbose"))
        {
            foreach ((bool ok, string check) in checks)
            {
                text.Append(ok ? "[+]" : "[-]").Append(check).Append('\n');
            }
        }

        AppendTroubles(text);
        text.Append(isReady ? "ready\n" : $"not ready: {Array.Find(checks, check => !check.Ok).Text}\n");
        if (!isReady)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        return WriteAsync(context, isReady, text.ToString());
    }

    private (bool Ok, string Text)[] Checks()
    {
        NodeState state = server.Node.State;
        bool isRecovered = state is NodeState.Serving or NodeState.Draining;
        string recovery = isRecovered ? "recovery done" : string.Create(CultureInfo.InvariantCulture, $"recovering {server.Node.RecoveryProgress:P0}");
        return
        [
            (state != NodeState.Failed, state == NodeState.Failed ? "log failed" : "log ok"),
            (isRecovered, recovery),
            (!server.IsStopping, server.IsStopping ? "stopping" : "not stopping"),
            (server.IsReady || server.IsStopping || !isRecovered, server.IsReady ? "definitions applied" : "applying definitions"),
        ];
    }

    private void AppendTroubles(StringBuilder text)
    {
        WeirNode node = server.Node;
        if (node.State is not (NodeState.Serving or NodeState.Draining))
        {
            return;
        }

        IEnumerable<string> troubles = node.Streams
            .SelectMany(stream => stream.Partitions.Where(one => one.State != PartitionState.Serving).Select(one => $"{stream.Name}/{one.Partition} is {StreamEndpoints.Word(one.State)}: {one.Reason}"))
            .Concat(node.Unreadable.Select(one => $"{one.Key} cannot be opened: {one.Value}"))
            .Concat(server.Delayed.Select(one => $"{one.Key} is not defined as configured: {one.Value.Message}"));
        if (node.IsDiskFull)
        {
            troubles = troubles.Prepend("the disk is full: writes are refused, reads go on");
        }

        foreach (string trouble in troubles.Take(NamedTroubles))
        {
            text.Append("[!]").Append(trouble).Append('\n');
        }
    }

    private static Task WriteAsync(HttpContext context, bool ok, string text)
    {
        context.Response.StatusCode = ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(text);
    }
}
