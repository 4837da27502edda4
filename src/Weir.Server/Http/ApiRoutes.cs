using Microsoft.AspNetCore.Http;

namespace Weir.Server.Http;

/// <summary>The table of calls: what the router finds and what /openapi.json says.</summary>
internal static class ApiRoutes
{
    private static readonly string[] EventTypes =
        ["application/json", "application/x-ndjson", "application/jsonl", "application/cloudevents+json", "application/cloudevents-batch+json", "text/plain"];

    private static readonly RouteParameter Limit = new("limit", "Records at most, 1 to 10000; 100 if not given.");

    public static IReadOnlyList<Route> Of(
        EventsEndpoint events, StreamEndpoints streams, ViewEndpoints views, LiveEndpoint live, Recounts recounts, HealthEndpoints health, StaticAssets assets, RouteHandler metrics, RouteHandler openApi) =>
    [
        new("POST", "/v1/streams/{stream}/events", "Take events; each is answered for.", events.HandleAsync, 200, 202, 400, 404, 413, 415, 422, 429, 503, 507)
        {
            Accepts = EventTypes,
            Parameters =
            [
                new("ack", "durable: answer 202 after the flush, without verdicts."),
                new("verdicts", "all: list every event's verdict, not only those that are not counted."),
                new("Idempotency-Key", "Identity of the events where they bring none; quoted or bare.", In: "header"),
                new("Content-Encoding", "gzip or br.", In: "header"),
            ],
        },
        new("GET", "/v1/streams/{stream}/events", "Records of a partition, with verdicts.", streams.EventsAsync, 200, 400, 404, 503)
        {
            Parameters = [new("partition", "0 if not given."), new("offset", "First offset; the log's start if not given."), Limit],
        },
        new("GET", "/v1/streams", "All streams.", streams.ListAsync, 200, 503),
        new("GET", "/v1/streams/{stream}", "Definition, partitions, positions, rates.", streams.GetAsync, 200, 404, 503),
        new("PUT", "/v1/streams/{stream}", "Define a stream or change what may change.", streams.PutAsync, 200, 201, 400, 409, 413, 503) { Accepts = ["application/json"] },
        new("DELETE", "/v1/streams/{stream}", "Delete a stream with its log.", streams.DeleteAsync, 204, 404, 409, 503),
        new("POST", "/v1/streams/{stream}/close", "Close: a marker in every partition. Idempotent.", streams.CloseAsync, 200, 404, 503),
        new("POST", "/v1/streams/{stream}/open", "Open before its time, or again.", streams.OpenAsync, 200, 404, 409, 503)
        {
            Parameters = [new("reopen", "true: open a final stream again; every answer says so from then on.")],
        },
        new("GET", "/v1/streams/{stream}/receipts", "What became of an owner's events, or of those with an id.", streams.ReceiptsAsync, 200, 400, 404, 503)
        {
            Parameters = [new("owner", "The owner's canonical key."), new("id", "The event's canonical id."), Limit],
        },
        new("GET", "/v1/streams/{stream}/dead-letters", "Records that were taken, closed, late or invalid.", streams.DeadLettersAsync, 200, 400, 404, 503)
        {
            Parameters = [new("after", "Position to go on from: the `next` of the page before."), Limit],
        },
        new("GET", "/v1/views", "All views.", views.ListAsync, 200, 503),
        new("GET", "/v1/views/{view}", "Rows at one position. Any other parameter is a filter: its name a column, its value what it must be.", views.RowsAsync, 200, 304, 400, 404, 503, 504)
        {
            Parameters =
            [
                new("order", "Columns, comma-separated, a minus in front for descending."),
                new("limit", "Rows at most, 1 to 100000; 1000 if not given."),
                new("next", "Where to go on: the `next` of the page before."),
                new("at", "Wait until the rows cover this position."),
                new("wait", "How long, at most 30s; 5s if not given."),
                new("If-None-Match", "The ETag of the rows already there.", In: "header"),
            ],
        },
        new("PUT", "/v1/views/{view}", "Define a view; it is built from the log beside running traffic.", views.PutAsync, 200, 202, 400, 404, 409, 413, 503) { Accepts = ["application/json"] },
        new("DELETE", "/v1/views/{view}", "Delete a view. The log stays.", views.DeleteAsync, 204, 404, 503),
        new("GET", "/v1/views/{view}/errors", "Offsets of the records that the view could not evaluate.", views.ErrorsAsync, 200, 404, 503),
        new("GET", "/v1/views/{view}/live", "A snapshot, then what changes: server-sent events, or a WebSocket on upgrade.", live.HandleAsync, 200, 404, 503)
        {
            Produces = "text/event-stream",
            Parameters = [new("Last-Event-ID", "The id of the last frame seen.", In: "header"), new("after", "The same, for clients that cannot send the header.")],
        },
        new("POST", "/v1/views/{view}/recount", "Count the view again from the log and compare.", recounts.StartAsync, 200, 202, 404, 429, 503),
        new("GET", "/v1/recounts/{id}", "How far a recount is, or what came out.", recounts.GetAsync, 200, 404),
        new("GET", "/livez", "Whether the process lives.", health.LiveAsync, 200, 503) { Produces = "text/plain" },
        new("GET", "/healthz", "The same as /livez.", health.LiveAsync, 200, 503) { Produces = "text/plain" },
        new("GET", "/readyz", "Whether to send requests here.", health.ReadyAsync, 200, 503)
        {
            Produces = "text/plain",
            Parameters = [new("verbose", "List each check.")],
        },
        new("GET", "/metrics", "Prometheus text.", metrics, 200) { Produces = "text/plain" },
        new("GET", "/openapi.json", "This description.", openApi, 200),
        new("GET", "/", "The overview page.", (context, _) => assets.WriteAsync(context, "overview.html"), 200) { Produces = "text/html" },
        new("GET", "/live/{view}", "The live results page of a view.", (context, _) => assets.WriteAsync(context, "live.html"), 200) { Produces = "text/html" },
        new("GET", "/assets/{file}", "What the pages load.", (context, file) => assets.WriteAsync(context, "assets/" + file), 200, 304, 404) { Produces = "application/octet-stream" },
    ];
}
