using System.Net;
using System.Text.Json.Nodes;
using Weir.Core;

namespace Weir.Cli.Http;

/// <summary>A recount asked of a server and followed to its end.</summary>
internal static class RecountCall
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    /// <summary>Starts the recount of a view and waits for its result.</summary>
    /// <returns>{"equal":…,"events":…,"position":…,"different":…,"differences":[…]}</returns>
    public static async Task<JsonObject> RunAsync(Terminal terminal, ServerClient server, string view, CancellationToken cancel)
    {
        (HttpStatusCode status, JsonObject answer) = await StartAsync(server, view, cancel);
        if (status != HttpStatusCode.Accepted)
        {
            return Result(answer)!;
        }

        string id = answer["id"]!.ToString();
        long total = 0;
        long done = 0;
        return await Progress.WatchAsync(terminal, () => $"recounting {view}", "events", () => Volatile.Read(ref total), () => Volatile.Read(ref done), FollowAsync());

        async Task<JsonObject> FollowAsync()
        {
            while (true)
            {
                JsonObject look = await server.GetAsync($"v1/recounts/{Uri.EscapeDataString(id)}", cancel);
                if (Result(look) is { } result)
                {
                    return result;
                }

                Volatile.Write(ref total, look["total"]?.GetValue<long>() ?? 0);
                Volatile.Write(ref done, look["events"]?.GetValue<long>() ?? 0);
                await Task.Delay(BetweenLooks, cancel);
            }
        }
    }

    /// <summary>The server makes one recount at a time: waits for its turn.</summary>
    private static async Task<(HttpStatusCode Status, JsonObject Answer)> StartAsync(ServerClient server, string view, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await server.PostAsync($"v1/views/{Uri.EscapeDataString(view)}/recount", cancel);
            }
            catch (WeirException busy) when (busy.Code == ErrorCode.RecountBusy)
            {
                await Task.Delay(BetweenLooks, cancel);
            }
        }
    }

    /// <summary>The document once it is a result; null while the recount runs.</summary>
    /// <exception cref="WeirException">The recount could not be made.</exception>
    private static JsonObject? Result(JsonObject look)
    {
        if (look["state"]?.ToString() == "failed")
        {
            ErrorCode code = WeirErrors.TryFind(look["code"]?.ToString() ?? "", out ErrorInfo? info) ? info.Code : ErrorCode.Internal;
            throw new WeirException(code, $"recount {look["id"]} failed: {look["detail"]}");
        }

        return look["equal"] is null ? null : look;
    }

    public static bool IsEqual(JsonObject result) => result["equal"]?.GetValue<bool>() == true;
}
