using System.Diagnostics.Metrics;
using System.Text;

namespace Weir.Server.Metrics;

/// <summary>
/// Collects the measurements of this process's meters and writes them as /metrics: Prometheus text format 0.0.4. Measuring is for any thread;
/// one page is written at a time. Series per instrument are bounded: beyond <see cref="MaxSeries"/> new label sets are summed into one that says so.
/// </summary>
internal sealed class PrometheusPage : IDisposable
{
    /// <summary>Label sets of one instrument.</summary>
    public const int MaxSeries = 1_000;

    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly string[] Meters = ["Weir.Engine", "Weir.Storage", "Weir.Server", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];

    private readonly object[] _scopes;
    private readonly MeterListener _listener = new();
    private readonly List<MetricFamily> _families = [];
    private readonly Lock _page = new();

    /// <param name="scopes">Meters that belong to something are on this page only when it is one of these: tests run several servers in one process.</param>
    public PrometheusPage(params object[] scopes)
    {
        _scopes = scopes;
        _listener.InstrumentPublished = OnPublished;
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>The page as it is now; observable instruments are asked for their values.</summary>
    public string Write()
    {
        lock (_page)
        {
            MetricFamily[] families;
            lock (_families)
            {
                families = [.. _families.OrderBy(family => family.Name, StringComparer.Ordinal)];
            }

            Array.ForEach(families, family => family.BeginScrape());
            _listener.RecordObservableInstruments();
            var page = new StringBuilder();
            Array.ForEach(families, family => family.Write(page));
            return page.ToString();
        }
    }

    private void OnPublished(Instrument instrument, MeterListener listener)
    {
        if (Meters.Contains(instrument.Meter.Name) && (instrument.Meter.Scope is not { } scope || _scopes.Contains(scope)))
        {
            var family = new MetricFamily(instrument);
            lock (_families)
            {
                _families.Add(family);
            }

            listener.EnableMeasurementEvents(instrument, family);
        }
    }
}
