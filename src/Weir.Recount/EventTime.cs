using System.Globalization;
using System.Text;

namespace Weir.Recount;

/// <summary>Times as views read and show them: RFC 3339, epoch milliseconds, UTC, years 1 to 9999.</summary>
internal static class EventTime
{
    private const long DayMs = 86_400_000;

    /// <summary>Days from 0001-01-01 to 1970-01-01.</summary>
    private const long EpochDay = 719_162;

    public const long Earliest = -EpochDay * DayMs;

    /// <summary>The first millisecond of the year 10000, exclusive.</summary>
    public const long End = (3_652_059 - EpochDay) * DayMs;

    /// <summary>Reads <c>2026-11-20T21:00:00.5+01:00</c>; digits beyond the millisecond are cut.</summary>
    public static bool TryRead(ReadOnlySpan<byte> utf8, out long epochMs)
    {
        epochMs = 0;
        if (utf8.Length < 20)
        {
            return false;
        }

        string text = Encoding.Latin1.GetString(utf8);
        if (!Digits(text, 0, 4, out int year) || text[4] != '-' || !Digits(text, 5, 2, out int month) || text[7] != '-' || !Digits(text, 8, 2, out int day)
            || text[10] is not ('T' or 't') || !Digits(text, 11, 2, out int hour) || text[13] != ':' || !Digits(text, 14, 2, out int minute)
            || text[16] != ':' || !Digits(text, 17, 2, out int second)
            || year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        int at = 19;
        int millisecond = 0;
        if (text[at] == '.')
        {
            int end = at + 1;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
            {
                end++;
            }

            if (end == at + 1)
            {
                return false;
            }

            millisecond = int.Parse(text[(at + 1)..end].PadRight(3, '0').AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture);
            at = end;
        }

        int offsetMinutes = 0;
        if (text[at..] is not ("Z" or "z"))
        {
            if (text.Length - at != 6 || text[at] is not ('+' or '-') || !Digits(text, at + 1, 2, out int hours) || text[at + 3] != ':'
                || !Digits(text, at + 4, 2, out int minutes) || hours > 23 || minutes > 59)
            {
                return false;
            }

            offsetMinutes = ((hours * 60) + minutes) * (text[at] == '-' ? -1 : 1);
        }

        long days = (new DateTime(year, month, day).Ticks / TimeSpan.TicksPerDay) - EpochDay;
        epochMs = (days * DayMs) + ((((hour * 60L) + minute - offsetMinutes) * 60L + second) * 1000L) + millisecond;
        return true;
    }

    /// <summary>Begin of the window that holds a time: aligned to 1970, also before it.</summary>
    public static long WindowStart(long epochMs, long sizeMs) => epochMs - (((epochMs % sizeMs) + sizeMs) % sizeMs);

    /// <summary>RFC 3339 UTC, with milliseconds where the window's size is not a whole number of seconds.</summary>
    public static string Text(long epochMs, long sizeMs) => new DateTime((epochMs + (EpochDay * DayMs)) * TimeSpan.TicksPerMillisecond)
        .ToString(sizeMs % 1000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static bool Digits(string text, int at, int count, out int value)
    {
        value = 0;
        foreach (char c in text.AsSpan(at, count))
        {
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }

            value = (value * 10) + (c - '0');
        }

        return true;
    }
}
