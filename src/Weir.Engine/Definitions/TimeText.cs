using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Weir.Engine;

/// <summary>Times and durations as text, in the forms that definitions and events use.</summary>
public static class TimeText
{
    /// <summary>Reads RFC 3339 (<c>2026-11-20T20:00:00Z</c>, fraction optional, offset <c>Z</c> or <c>±hh:mm</c>) to milliseconds since 1970 UTC, cut towards the past.</summary>
    public static bool TryParseRfc3339(ReadOnlySpan<byte> text, out long epochMs)
    {
        epochMs = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || (text[10] | 0x20) != 't' || text[13] != ':' || text[16] != ':')
        {
            return false;
        }

        if (!Digits(text[..4], out int year) || !Digits(text.Slice(5, 2), out int month) || !Digits(text.Slice(8, 2), out int day)
            || !Digits(text.Slice(11, 2), out int hour) || !Digits(text.Slice(14, 2), out int minute) || !Digits(text.Slice(17, 2), out int second)
            || year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        int at = 19;
        int millisecond = 0;
        if (text[at] == '.')
        {
            int digits = 0;
            for (at++; at < text.Length && unchecked((uint)(text[at] - '0')) <= 9; at++, digits++)
            {
                millisecond = digits < 3 ? (millisecond * 10) + (text[at] - '0') : millisecond;
            }

            if (digits == 0)
            {
                return false;
            }

            millisecond *= digits switch { 1 => 100, 2 => 10, _ => 1 };
        }

        ReadOnlySpan<byte> zone = text[at..];
        int offsetMinutes = 0;
        if (!(zone.Length == 1 && (zone[0] | 0x20) == 'z'))
        {
            if (zone.Length != 6 || zone[0] is not ((byte)'+' or (byte)'-') || zone[3] != ':'
                || !Digits(zone.Slice(1, 2), out int hours) || !Digits(zone.Slice(4, 2), out int minutes) || hours > 23 || minutes > 59)
            {
                return false;
            }

            offsetMinutes = ((hours * 60) + minutes) * (zone[0] == '-' ? -1 : 1);
        }

        long ticks = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks;
        epochMs = ((ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond) + millisecond - (offsetMinutes * 60_000L);
        return true;
    }

    /// <summary>RFC 3339 in UTC with a <c>Z</c>; milliseconds only when there are any.</summary>
    public static string FormatRfc3339(long epochMs)
    {
        DateTimeOffset time = DateTimeOffset.FromUnixTimeMilliseconds(epochMs);
        return time.ToString(epochMs % 1000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>Reads a whole number with a unit: <c>250ms</c>, <c>1s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        ReadOnlySpan<byte> utf8 = Encoding.UTF8.GetBytes(text.Trim());
        if (!Utf8Parser.TryParse(utf8, out long count, out int digits) || count < 0 || utf8[0] is not (>= (byte)'0' and <= (byte)'9'))
        {
            return false;
        }

        long unitMs = Encoding.ASCII.GetString(utf8[digits..]) switch { "ms" => 1, "s" => 1000, "m" => 60_000, "h" => 3_600_000, "d" => 86_400_000, _ => 0 };
        if (unitMs == 0 || count > 36_500L * 86_400_000 / unitMs)
        {
            return false;
        }

        duration = TimeSpan.FromMilliseconds(count * unitMs);
        return true;
    }

    /// <summary>The shortest text that <see cref="TryParseDuration"/> reads back.</summary>
    public static string FormatDuration(TimeSpan duration)
    {
        long ms = (long)duration.TotalMilliseconds;
        (long count, string unit) = ms switch
        {
            0 => (0L, "s"),
            _ when ms % 86_400_000 == 0 => (ms / 86_400_000, "d"),
            _ when ms % 3_600_000 == 0 => (ms / 3_600_000, "h"),
            _ when ms % 60_000 == 0 => (ms / 60_000, "m"),
            _ when ms % 1000 == 0 => (ms / 1000, "s"),
            _ => (ms, "ms"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
    }

    private static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (byte b in text)
        {
            if (unchecked((uint)(b - '0')) > 9)
            {
                return false;
            }

            value = (value * 10) + (b - '0');
        }

        return true;
    }
}
