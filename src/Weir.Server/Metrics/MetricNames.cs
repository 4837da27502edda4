using System.Text;

namespace Weir.Server.Metrics;

/// <summary>An instrument's name and unit to its Prometheus name, by OpenTelemetry's rules: <c>weir.log.append.bytes</c> (counter, By) is <c>weir_log_append_bytes_total</c>.</summary>
internal static class MetricNames
{
    public static string Of(string name, string? unit, bool isCounter, bool isGauge)
    {
        string result = Sanitized(name);
        string suffix = unit switch
        {
            "s" => "seconds",
            "ms" => "milliseconds",
            "By" => "bytes",
            "1" => "ratio",
            "{event}" when isGauge => "events",
            _ => "",
        };
        if (suffix.Length > 0 && !result.EndsWith("_" + suffix, StringComparison.Ordinal))
        {
            result += "_" + suffix;
        }

        return isCounter && !result.EndsWith("_total", StringComparison.Ordinal) ? result + "_total" : result;
    }

    public static string Sanitized(string name)
    {
        var result = new StringBuilder(name.Length);
        foreach (char letter in name)
        {
            result.Append(char.IsAsciiLetterOrDigit(letter) || letter == '_' ? letter : '_');
        }

        return result.ToString();
    }
}
