using System.Diagnostics.Metrics;
using Weir.Core;
using Weir.Engine;
using Weir.Server.Http;

namespace Weir.Server.Metrics;

/// <summary>
/// The server's instruments, and the gauges that need a node. Names are public: docs/reference/metrics.md. Labels are streams, partitions and
/// views, which are few; nothing a client sends becomes a label.
/// </summary>
internal sealed class ServerMetrics : IDisposable
{
    public const string MeterName = "Weir.Server";

    private static readonly (Func<IngestTotals, long> Count, string Outcome)[] Outcomes =
    [
        (totals => totals.Counted, "counted"), (totals => totals.Replaced, "replaced"), (totals => totals.Duplicate, "duplicate"), (totals => totals.Taken, "taken"),
        (totals => totals.Closed, "closed"), (totals => totals.Late, "late"), (totals => totals.Invalid, "invalid"), (totals => totals.Durable, "durable"), (totals => totals.Refused, "refused"), (totals => totals.Unknown, "shed"),
    ];

    private readonly Meter _meter;
    private readonly ServerState _server;
    private readonly Counter<long> _events;
    private readonly Histogram<double> _ackDuration;

    public ServerMetrics(ServerState server, LiveEndpoint live)
    {
        _server = server;
        _meter = new Meter(new MeterOptions(MeterName) { Scope = server });
        _events = _meter.CreateCounter<long>("weir.ingest.events", "{event}", "Events received, by outcome.");
        _ackDuration = _meter.CreateHistogram<double>("weir.ingest.ack.duration", "s", "From a request's last byte to the end of its flush and, unless only that was asked for, its fold.");
        _meter.CreateObservableUpDownCounter("weir.live.subscribers", () => live.Subscribers, "{subscriber}", "Live subscribers.");
        _meter.CreateObservableGauge("weir.log.end_offset", () => PerPartition(partition => partition.FlushedEnd), null, "End of what is flushed, exclusive.");
        _meter.CreateObservableGauge("weir.log.size", () => PerPartition(partition => partition.LogBytes), "By", "Size of the log on disk.");
        _meter.CreateObservableGauge("weir.queue.size", () => PerPartition(partition => partition.QueuedBytes), "By", "Bytes that wait for the disk.");
        _meter.CreateObservableGauge("weir.partition.serving", () => PerPartition(partition => partition.State == PartitionState.Serving ? 1 : 0), null, "1 while the partition takes events.");
        _meter.CreateObservableGauge("weir.state.owners", () => PerPartition(partition => partition.Owners), "{owner}", "Owners and identities that the fold keeps.");
        _meter.CreateObservableGauge("weir.state.size", () => PerPartition(partition => partition.StateBytes), "By", "Memory of the fold's state.");
        _meter.CreateObservableGauge("weir.view.lag", () => PerView(Lag), "{event}", "Records flushed and not in the view's rows yet.");
        _meter.CreateObservableGauge("weir.view.staleness", () => PerView(Staleness), "s", "Age of the view's rows.");
        _meter.CreateObservableGauge("weir.view.rows", () => PerView(view => view.Model.RowCount), "{row}", "Rows shown.");
        _meter.CreateObservableGauge("weir.view.errors", () => PerView(view => view.Model.ErrorCount), "{record}", "Records that the view could not evaluate.");
        _meter.CreateObservableGauge("weir.recovery.progress", () => server.Node.RecoveryProgress, "1", "0 to 1 while recovering.");
    }

    /// <summary>Counts a batch that is decided.</summary>
    public void Record(EventStream stream, in IngestTotals totals, TimeSpan ackDuration)
    {
        if (_ackDuration.Enabled)
        {
            _ackDuration.Record(ackDuration.TotalSeconds, new KeyValuePair<string, object?>("stream", stream.Name));
        }

        if (!_events.Enabled)
        {
            return;
        }

        foreach ((Func<IngestTotals, long> count, string outcome) in Outcomes)
        {
            long events = count(totals);
            if (events > 0)
            {
                _events.Add(events, new("stream", stream.Name), new("protocol", "http"), new("outcome", outcome));
            }
        }
    }

    /// <summary>Counts a batch of a Kafka client that is answered. Verdicts come later and are not told, so outcomes are about the disk.</summary>
    public void Record(EventStream stream, ProduceBatch batch, TimeSpan ackDuration)
    {
        bool isDurable = batch.BaseOffset >= 0;
        string outcome = isDurable ? batch.IsRepeated ? "duplicate" : "durable" : batch.Error != ProduceError.None ? "refused" : "shed";
        _events.Add(batch.Events, new("stream", stream.Name), new("protocol", "kafka"), new("outcome", outcome));
        if (isDurable && _ackDuration.Enabled)
        {
            _ackDuration.Record(ackDuration.TotalSeconds, new KeyValuePair<string, object?>("stream", stream.Name));
        }
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> PerPartition(Func<PartitionStatus, long> of)
    {
        foreach (EventStream stream in Streams())
        {
            foreach (PartitionStatus partition in stream.Partitions)
            {
                yield return new Measurement<long>(of(partition), new("stream", stream.Name), new("partition", partition.Partition));
            }
        }
    }

    private IEnumerable<Measurement<double>> PerView(Func<View, double> of) =>
        Streams().Count == 0 ? [] : _server.Node.Views.Where(view => view.State == ViewState.Live).Select(view => new Measurement<double>(of(view), new KeyValuePair<string, object?>("view", view.Name)));

    private IReadOnlyList<EventStream> Streams() => _server.Node.State is NodeState.Serving or NodeState.Draining ? _server.Node.Streams : [];

    private static double Lag(View view)
    {
        Position flushed = view.Stream.FlushedPosition;
        Position shown = view.Model.Position;
        long lag = 0;
        for (int i = 0; i < flushed.Ends.Length; i++)
        {
            lag += Math.Max(0, flushed.Ends[i] - shown.Ends[i]);
        }

        return lag;
    }

    private double Staleness(View view) => Math.Max(0, _server.Time.GetUtcNow().ToUnixTimeMilliseconds() - view.Model.AsOfMs) / 1000.0;
}
