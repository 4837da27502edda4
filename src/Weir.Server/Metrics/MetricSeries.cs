using System.Globalization;

namespace Weir.Server.Metrics;

/// <summary>One label set of an instrument. Guarded by its family's lock.</summary>
internal sealed class MetricSeries(KeyValuePair<string, object?>[] tags, bool isOverflow, long[]? buckets)
{
    /// <summary>As on the page, without braces.</summary>
    public string Labels { get; } = isOverflow ? "otel_metric_overflow=\"true\"" : string.Join(',', tags.Select(Label));

    /// <summary>True for the series that takes all label sets beyond the bound.</summary>
    public bool IsOverflow { get; } = isOverflow;

    /// <summary>Counts per bucket, not cumulative; null for anything but a histogram.</summary>
    public long[]? Buckets { get; } = buckets;

    /// <summary>The value; of a histogram the sum.</summary>
    public double Value { get; set; }

    public bool IsSet { get; set; }

    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> other)
    {
        if (other.Length != tags.Length)
        {
            return false;
        }

        for (int i = 0; i < tags.Length; i++)
        {
            if (tags[i].Key != other[i].Key || !Equals(tags[i].Value, other[i].Value))
            {
                return false;
            }
        }

        return true;
    }

    private static string Label(KeyValuePair<string, object?> tag)
    {
        string value = Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "";
        value = value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
        return $"{MetricNames.Sanitized(tag.Key)}=\"{value}\"";
    }
}
