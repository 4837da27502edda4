using System.Globalization;
using System.Text.Json;
using Weir.Core;

namespace Weir.Server.Http;

/// <summary>
/// One recount: how far it is, or what came out. Written by the task that runs it, read by any request. What came out is shown from
/// <see cref="Publish"/> on: who sees the end may ask for the next recount at once.
/// </summary>
internal sealed class RecountJob(string id, string view)
{
    private readonly Lock _lock = new();
    private string? _result;
    private string? _outcome;
    private bool _isPublished;
    private string? _code;
    private string? _detail;
    private long _events;
    private long _total;

    public string Id { get; } = id;

    public string View { get; } = view;

    /// <summary>Completes when the recount has ended, however it ended; never faulted.</summary>
    public Task Done { get; set; } = Task.CompletedTask;

    /// <summary>Takes a line of the child's output.</summary>
    /// <exception cref="JsonException">The line is not JSON.</exception>
    public void Take(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        lock (_lock)
        {
            if (document.RootElement.TryGetProperty("progress", out JsonElement progress))
            {
                _events = progress.GetProperty("events").GetInt64();
                _total = progress.GetProperty("total").GetInt64();
            }
            else if (document.RootElement.TryGetProperty("error", out JsonElement error))
            {
                (_outcome, _code, _detail) = ("failed", error.GetProperty("code").GetString(), error.GetProperty("detail").GetString());
            }
            else
            {
                (_outcome, _result) = ("done", line);
            }
        }
    }

    public void Fail(ErrorCode code, string detail)
    {
        lock (_lock)
        {
            (_outcome, _code, _detail) = ("failed", WeirErrors.NameOf(code), detail);
        }
    }

    /// <summary>The child has ended: without a result that is a failure too.</summary>
    public void End(int exitCode)
    {
        lock (_lock)
        {
            if (_outcome is null)
            {
                (_outcome, _code, _detail) = ("failed", WeirErrors.NameOf(ErrorCode.Internal), string.Create(CultureInfo.InvariantCulture, $"The recount's process ended with code {exitCode} and no result."));
            }
        }
    }

    /// <summary>Shows the outcome, when the place of the running recount is free again.</summary>
    public void Publish()
    {
        lock (_lock)
        {
            _isPublished = true;
        }
    }

    public void Write(Utf8JsonWriter writer)
    {
        lock (_lock)
        {
            string? outcome = _isPublished ? _outcome : null;
            writer.WriteStartObject();
            writer.WriteString("id"u8, Id);
            writer.WriteString("view"u8, View);
            writer.WriteString("state"u8, outcome ?? "running");
            if (outcome == "done")
            {
                using JsonDocument result = JsonDocument.Parse(_result!);
                foreach (JsonProperty member in result.RootElement.EnumerateObject())
                {
                    // Digits as they are: totals may have more than a double holds.
                    writer.WritePropertyName(member.Name);
                    writer.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true);
                }
            }
            else if (outcome == "failed")
            {
                writer.WriteString("code"u8, _code);
                writer.WriteString("detail"u8, _detail);
            }
            else
            {
                writer.WriteNumber("progress"u8, _total == 0 ? 0 : Math.Round((double)_events / _total, 4));
                writer.WriteNumber("events"u8, _events);
                writer.WriteNumber("total"u8, _total);
            }

            writer.WriteEndObject();
        }
    }
}
