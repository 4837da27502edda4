using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Engine;

/// <summary>Windows of <c>tumble</c>: which one a time lies in, and how its bounds are written. Immutable.</summary>
internal sealed class WindowTime(long sizeMs)
{
    // Years 1 to 9999, what RFC 3339 can write.
    private const long MinMs = -62_135_596_800_000;
    private const long MaxMs = 253_402_300_799_999;

    // Either all bounds of a view have milliseconds or none has, so that their text sorts as they do.
    private readonly string _format = sizeMs % 1000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public long SizeMs => sizeMs;

    /// <summary>Begin of the window that the time lies in; false when the value is no time, or the window leaves the years 1 to 9999.</summary>
    public bool TryGetStart(Datum time, TextBuffer buffer, out long startMs)
    {
        startMs = 0;
        if (!TryGetTime(time, buffer, out long timeMs) || timeMs is < MinMs or > MaxMs)
        {
            return false;
        }

        long intoWindow = timeMs % sizeMs;
        startMs = timeMs - (intoWindow < 0 ? intoWindow + sizeMs : intoWindow);
        return startMs >= MinMs && startMs + sizeMs <= MaxMs;
    }

    public byte[] Format(long ms) =>
        Encoding.ASCII.GetBytes(DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString(_format, CultureInfo.InvariantCulture));

    private static bool TryGetTime(Datum time, TextBuffer buffer, out long timeMs)
    {
        timeMs = 0;
        if (time.Kind == DatumKind.Number)
        {
            if (!time.TryGetNumber(out Exact number))
            {
                return false;
            }

            (Int128 whole, Int128 rest) = Int128.DivRem(number.Scaled, Exact.One);
            bool isTime = rest == 0 && whole >= MinMs && whole <= MaxMs;
            timeMs = isTime ? (long)whole : 0;
            return isTime;
        }

        return time.Kind == DatumKind.String
            && time.TryGetText(buffer, out ReadOnlySpan<byte> text)
            && TimeText.TryParseRfc3339(text, out timeMs);
    }
}
