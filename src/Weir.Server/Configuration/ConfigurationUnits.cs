using System.Globalization;

namespace Weir.Server.Configuration;

/// <summary>Durations and sizes as people write them: a whole number and a unit.</summary>
internal static class ConfigurationUnits
{
    private static readonly (string Unit, long Milliseconds)[] Durations =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Bytes)[] Sizes =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1)];

    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        bool ok = TryParse(text, Durations, out long milliseconds) && milliseconds <= (long)TimeSpan.FromDays(36_500).TotalMilliseconds;
        duration = ok ? TimeSpan.FromMilliseconds(milliseconds) : default;
        return ok;
    }

    public static bool TryParseSize(string text, out long bytes) => TryParse(text, Sizes, out bytes);

    private static bool TryParse(string text, (string Unit, long Factor)[] units, out long value)
    {
        value = 0;
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        digits = digits < 0 ? text.Length : digits;
        string unit = text[digits..].Trim();
        int found = Array.FindIndex(units, candidate => candidate.Unit == unit);
        if (found < 0 || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            || number > long.MaxValue / units[found].Factor)
        {
            return false;
        }

        value = number * units[found].Factor;
        return true;
    }
}
