using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Weir.Core;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>Views: definitions, rows, and the records that a view could not evaluate. The live feed is <see cref="LiveEndpoint"/>.</summary>
internal sealed class ViewEndpoints(ServerState server, TimeProvider time)
{
    private static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    public Task ListAsync(HttpContext context, string name)
    {
        IReadOnlyList<View> views = server.Recovered().Views;
        return JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("views"u8);
            foreach (View view in views.OrderBy(view => view.Name, StringComparer.Ordinal))
            {
                WriteView(writer, view);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    /// <summary>Rows at one position, filtered, ordered and cut as the query says.</summary>
    public async Task RowsAsync(HttpContext context, string name)
    {
        View view = server.View(name);
        ReadModel model = await WaitAsync(context, view);

        HttpResponse response = context.Response;
        StringValues known = context.Request.Headers.IfNoneMatch;
        if (known.Count > 0 && known.ToString().Contains($"\"{model.ETag}\"", StringComparison.Ordinal))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            response.Headers.ETag = $"\"{model.ETag}\"";
            response.Headers["Weir-Position"] = model.Position.ToString();
            return;
        }

        ViewPage page = model.Query(RequestOf(context));
        response.Headers.ETag = $"\"{page.ETag}\"";
        response.Headers.CacheControl = "no-cache";
        response.Headers["Weir-Position"] = page.Position.ToString();
        await JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("view"u8, view.Name);
            WriteStanding(writer, view, page.Position, page.IsFinal, page.ErrorCount, page.Stop);
            writer.WritePropertyName("rows"u8);
            writer.WriteRawValue(page.Rows.Span, skipInputValidation: true);
            if (page.Next is { } next)
            {
                writer.WriteString("next"u8, next);
            }

            writer.WriteEndObject();
        });
    }

    public async Task ErrorsAsync(HttpContext context, string name)
    {
        View view = server.View(name);
        ReadModel model = await WaitAsync(context, view);
        IReadOnlyList<(int Partition, long Offset)> errors = model.ErrorOffsets();
        await JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("view"u8, view.Name);
            writer.WriteString("stream"u8, view.Stream.Name);
            writer.WriteNumber("errors"u8, model.ErrorCount);
            writer.WriteStartArray("offsets"u8);
            foreach ((int partition, long offset) in errors)
            {
                writer.WriteStartObject();
                writer.WriteNumber("partition"u8, partition);
                writer.WriteNumber("offset"u8, offset);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (model.ErrorCount > errors.Count)
            {
                writer.WriteNumber("more"u8, model.ErrorCount - errors.Count);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>Creates the view or builds it anew beside running traffic; 202 while it is being built.</summary>
    public async Task PutAsync(HttpContext context, string name)
    {
        WeirNode node = server.NodeForWriting(name);
        View view = await node.DefineViewAsync(name, ViewDefinition.Parse(await SmallBody.ReadAsync(context.Request)));
        await JsonAnswer.WriteAsync(context, writer => WriteView(writer, view), view.State == ViewState.Building ? StatusCodes.Status202Accepted : StatusCodes.Status200OK);
    }

    public async Task DeleteAsync(HttpContext context, string name)
    {
        try
        {
            // Not looked up before: one that could not be made is no view, and this deletes what is left of it.
            await server.NodeForWriting(name).DeleteViewAsync(name);
        }
        catch (WeirException failure) when (failure.Code == ErrorCode.UnknownView)
        {
            // Says more where there is one that cannot be opened.
            server.View(name);
            throw;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task<ReadModel> WaitAsync(HttpContext context, View view)
    {
        Position? wanted = Parameters.Position(context, "at", view.Stream.Name, view.Stream.PartitionCount);
        TimeSpan wait = Parameters.Duration(context, "wait", DefaultWait, MaxWait);
        long began = time.GetTimestamp();
        ReadModel model = await server.BuiltAsync(view, wait, context.RequestAborted);
        if (wanted is not null && !await model.WaitForAsync(wanted, wait - time.GetElapsedTime(began), time, context.RequestAborted))
        {
            throw new WeirException(ErrorCode.PositionNotReached, FormattableString.Invariant($"After {wait.TotalSeconds} s the view {view.Name} is at {model.Position} and not at {wanted}."));
        }

        return model;
    }

    private static ViewRequest RequestOf(HttpContext context)
    {
        var filters = new List<KeyValuePair<string, string>>();
        string? order = null;
        string? after = null;
        foreach ((string name, StringValues values) in context.Request.Query)
        {
            switch (name)
            {
                case "at" or "wait" or "limit":
                    break;
                case "order":
                    order = values;
                    break;
                case "next":
                    after = values;
                    break;
                default:
                    filters.Add(new(name, values.ToString()));
                    break;
            }
        }

        int limit = (int)(Parameters.Integer(context, "limit", min: 1, ViewRequest.MaxLimit) ?? ViewRequest.DefaultLimit);
        return new ViewRequest { Filters = filters, Order = order, Limit = limit, After = after };
    }

    private void WriteView(Utf8JsonWriter writer, View view)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, view.Name);
        writer.WriteString("stream"u8, view.Stream.Name);
        writer.WriteString("sql"u8, view.Definition.Sql);
        writer.WriteNumber("version"u8, view.Version);
        writer.WriteString("state"u8, view.State switch
        {
            ViewState.Building => "building",
            ViewState.Live when view.Model.Stop is null => "live",
            _ => "stopped",
        });
        if (view.State == ViewState.Building)
        {
            writer.WriteNumber("progress"u8, Math.Round(view.BuildProgress, 4));
        }
        else
        {
            writer.WriteNumber("rows"u8, view.Model.RowCount);
            WriteStanding(writer, view, view.Model.Position, view.Model.IsFinal, view.Model.ErrorCount, view.Model.Stop);
        }

        writer.WriteEndObject();
    }

    private void WriteStanding(Utf8JsonWriter writer, View view, Position position, bool isFinal, long errors, ViewStop? stop)
    {
        writer.WriteString("position"u8, position.ToString());
        writer.WriteNumber("age_ms"u8, Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds() - view.Model.AsOfMs));
        writer.WriteBoolean("final"u8, isFinal);
        if (view.Stream.Reopened)
        {
            writer.WriteNumber("reopened"u8, 1);
        }

        writer.WriteNumber("errors"u8, errors);
        if (view.Model.Since is { } since)
        {
            writer.WriteString("since"u8, since.ToString());
            writer.WriteBoolean("complete"u8, false);
        }

        if (stop is not null || view.Failure is not null)
        {
            writer.WriteString("stopped"u8, stop?.Detail ?? view.Failure);
        }
    }
}
