using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Http;

namespace Weir.Cli.Verify;

/// <summary>The whole logs of some streams, read through the public interface.</summary>
internal sealed class Logs
{
    private const int PageRecords = 5_000;

    private readonly Dictionary<(string Stream, int Partition), List<LoggedRecord>> _partitions = [];

    public List<LoggedRecord> this[string stream, int partition] => _partitions[(stream, partition)];

    public static async Task<Logs> ReadAsync(ServerClient server, IReadOnlyList<CheckedStream> streams, CancellationToken cancel)
    {
        var logs = new Logs();
        foreach (CheckedStream stream in streams)
        {
            for (int partition = 0; partition < stream.Partitions; partition++)
            {
                logs.Add(stream.Name, partition, await ReadAsync(server, stream.Name, partition, from: 0, cancel));
            }
        }

        return logs;
    }

    /// <summary>A partition's records from an offset to the flushed end.</summary>
    public static async Task<List<LoggedRecord>> ReadAsync(ServerClient server, string stream, int partition, long from, CancellationToken cancel)
    {
        var records = new List<LoggedRecord>();
        while (true)
        {
            JsonObject page = await server.GetAsync(string.Create(CultureInfo.InvariantCulture, $"v1/streams/{stream}/events?partition={partition}&offset={from}&limit={PageRecords}"), cancel);
            records.AddRange(page["events"]!.AsArray().Select(record => Read(record!)));
            long next = page["next"]!.GetValue<long>();
            if (next == from || next >= page["end"]!.GetValue<long>())
            {
                return records;
            }

            from = next;
        }
    }

    public void Add(string stream, int partition, List<LoggedRecord> records) => _partitions[(stream, partition)] = records;

    /// <summary>All records of a stream that are events, partition by partition in offset order.</summary>
    public IEnumerable<(int Partition, LoggedRecord Record)> EventsOf(CheckedStream stream) =>
        Enumerable.Range(0, stream.Partitions).SelectMany(partition => this[stream.Name, partition].Where(record => record.Verdict is not null).Select(record => (partition, record)));

    /// <summary>The record at a place; null when the log has none there.</summary>
    public LoggedRecord? Find(string stream, int partition, long offset) =>
        _partitions.TryGetValue((stream, partition), out List<LoggedRecord>? records) && offset >= 0 && offset < records.Count ? records[(int)offset] : null;

    private static LoggedRecord Read(JsonNode record)
    {
        JsonNode? value = record["value"];
        string id = value is JsonObject fields ? fields["id"]?.ToString() ?? "" : "";
        return new LoggedRecord(record["offset"]!.GetValue<long>(), record["verdict"]?.ToString(), record["key"]?.ToString(), id, value is null ? record["text"]?.ToString() ?? "" : Terminal.Line(value));
    }
}
