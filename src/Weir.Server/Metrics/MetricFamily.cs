using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Weir.Server.Metrics;

/// <summary>One instrument's series. Recording takes one lock per family and allocates only for a label set never seen before.</summary>
internal sealed class MetricFamily
{
    // Seconds; what OpenTelemetry advises for durations of requests. Instruments that measure otherwise bring their own.
    private static readonly double[] DefaultBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Dictionary<int, List<MetricSeries>> _byHash = [];
    private readonly List<MetricSeries> _series = [];
    private readonly Lock _lock = new();
    private readonly double[] _bounds;
    private readonly string _help;
    private readonly bool _isHistogram;
    private readonly bool _isObservable;
    private readonly bool _addsUp;

    public MetricFamily(Instrument instrument)
    {
        string kind = instrument.GetType().GetGenericTypeDefinition().Name;
        _isObservable = instrument.IsObservable;
        _isHistogram = kind.StartsWith("Histogram", StringComparison.Ordinal);
        IsCounter = kind is "Counter`1" or "ObservableCounter`1";
        _addsUp = !_isObservable && kind is "Counter`1" or "UpDownCounter`1";
        _help = instrument.Description ?? "";
        _bounds = _isHistogram ? BoundsOf(instrument) : [];
        Name = MetricNames.Of(instrument.Name, instrument.Unit, IsCounter, isGauge: !IsCounter && !_isHistogram);
    }

    public string Name { get; }

    public bool IsCounter { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_lock)
        {
            MetricSeries series = Find(tags);
            if (_isHistogram)
            {
                int bucket = Array.BinarySearch(_bounds, value);
                series.Buckets![bucket < 0 ? ~bucket : bucket]++;
                series.Value += value;
            }
            else if (_addsUp)
            {
                series.Value += value;
            }
            else if (series.IsOverflow && series.IsSet)
            {
                series.Value += value;
            }
            else
            {
                series.Value = value;
            }

            series.IsSet = true;
        }
    }

    /// <summary>Forgets what observable instruments said last time: a series that is gone does not linger.</summary>
    public void BeginScrape()
    {
        if (_isObservable)
        {
            lock (_lock)
            {
                _series.ForEach(series => series.IsSet = false);
            }
        }
    }

    public void Write(StringBuilder page)
    {
        lock (_lock)
        {
            if (!_series.Exists(series => series.IsSet))
            {
                return;
            }

            if (_help.Length > 0)
            {
                page.Append("# HELP ").Append(Name).Append(' ').Append(_help.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal)).Append('\n');
            }

            page.Append("# TYPE ").Append(Name).Append(_isHistogram ? " histogram\n" : IsCounter ? " counter\n" : " gauge\n");
            foreach (MetricSeries series in _series.Where(series => series.IsSet))
            {
                if (_isHistogram)
                {
                    WriteHistogram(page, series);
                }
                else
                {
                    WriteLine(page, Name, series.Labels, extra: "", series.Value);
                }
            }
        }
    }

    private void WriteHistogram(StringBuilder page, MetricSeries series)
    {
        long cumulative = 0;
        for (int i = 0; i <= _bounds.Length; i++)
        {
            cumulative += series.Buckets![i];
            string bound = i == _bounds.Length ? "+Inf" : _bounds[i].ToString(CultureInfo.InvariantCulture);
            WriteLine(page, Name + "_bucket", series.Labels, $"le=\"{bound}\"", cumulative);
        }

        WriteLine(page, Name + "_sum", series.Labels, extra: "", series.Value);
        WriteLine(page, Name + "_count", series.Labels, extra: "", cumulative);
    }

    private static void WriteLine(StringBuilder page, string name, string labels, string extra, double value)
    {
        page.Append(name);
        if (labels.Length + extra.Length > 0)
        {
            page.Append('{').Append(labels).Append(labels.Length > 0 && extra.Length > 0 ? "," : "").Append(extra).Append('}');
        }

        page.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private MetricSeries Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        int hash = 17;
        foreach ((string key, object? value) in tags)
        {
            hash = unchecked((((hash * 31) + key.GetHashCode(StringComparison.Ordinal)) * 31) + (value?.GetHashCode() ?? 0));
        }

        if (_byHash.TryGetValue(hash, out List<MetricSeries>? candidates))
        {
            foreach (MetricSeries candidate in candidates)
            {
                if (candidate.Has(tags))
                {
                    return candidate;
                }
            }
        }

        return Add(hash, tags);
    }

    private MetricSeries Add(int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        bool isOverflow = _series.Count >= PrometheusPage.MaxSeries;
        if (isOverflow && _series[^1].IsOverflow)
        {
            return _series[^1];
        }

        var series = new MetricSeries(isOverflow ? [] : tags.ToArray(), isOverflow, _isHistogram ? new long[_bounds.Length + 1] : null);
        _series.Add(series);
        if (!isOverflow)
        {
            if (!_byHash.TryGetValue(hash, out List<MetricSeries>? candidates))
            {
                _byHash.Add(hash, candidates = []);
            }

            candidates.Add(series);
        }

        return series;
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        IEnumerable<double>? advised = instrument switch
        {
            Histogram<double> histogram => histogram.Advice?.HistogramBucketBoundaries,
            Histogram<long> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound),
            _ => null,
        };
        return advised?.ToArray() is { Length: > 0 } bounds ? bounds : DefaultBounds;
    }
}
