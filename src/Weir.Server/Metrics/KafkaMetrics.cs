using System.Diagnostics.Metrics;
using Weir.Engine;
using Weir.Server.Kafka;
using Weir.Server.Kafka.Groups;

namespace Weir.Server.Metrics;

/// <summary>The Kafka port's instruments. Names are public: docs/reference/metrics.md. Labels are APIs, streams and the reasons below; nothing a client sends becomes a label.</summary>
internal sealed class KafkaMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Histogram<double> _requestDuration;
    private readonly Counter<long> _fetchedBytes;
    private readonly Counter<long> _faults;
    private readonly Counter<long> _throttles;

    public KafkaMetrics(ServerState state, KafkaServer server, GroupCoordinator groups)
    {
        _meter = new Meter(new MeterOptions(ServerMetrics.MeterName) { Scope = state });
        _requestDuration = _meter.CreateHistogram<double>("weir.kafka.request.duration", "s", "From a request's last byte to its answer, a fetch's wait for more included.");
        _fetchedBytes = _meter.CreateCounter<long>("weir.kafka.fetch.bytes", "By", "Bytes of record batches sent to consumers.");
        _faults = _meter.CreateCounter<long>("weir.kafka.connection.faults", "{connection}", "Connections that the server closed because of what came, or did not come.");
        _throttles = _meter.CreateCounter<long>("weir.kafka.throttles", "{request}", "Requests after which a connection was read no further for a while, because of kafka.client_bytes_per_second.");
        _meter.CreateObservableUpDownCounter("weir.kafka.connections", () => server.Connections, "{connection}", "Connections of Kafka clients.");
        _meter.CreateObservableUpDownCounter("weir.kafka.memory.size", () => server.Memory.TakenBytes, "By", "Memory of requests and answers that are under way.");
        _meter.CreateObservableUpDownCounter("weir.kafka.group.members", () => groups.Groups.Sum(group => group.MemberCount), "{member}", "Members of consumer groups.");
    }

    public void Answered(string api, TimeSpan duration) => _requestDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("api", api));

    public void Fetched(EventStream stream, long bytes) => _fetchedBytes.Add(bytes, new KeyValuePair<string, object?>("stream", stream.Name));

    /// <param name="reason">length, unreadable, unknown_api, tls, http, refused, failed or idle.</param>
    public void Closed(string reason) => _faults.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Throttled() => _throttles.Add(1);

    public void Dispose() => _meter.Dispose();
}
