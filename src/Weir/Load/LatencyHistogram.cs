using System.Diagnostics;
using System.Numerics;

namespace Weir.Cli.Load;

/// <summary>
/// Counts of durations in buckets that are 1/64 of their power of two wide: any percentile is at most 1.6 % too high, in 30 KB,
/// whatever was recorded. One thread writes; merge when it has ended.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int SubCount = 1 << SubBits;

    // Microseconds up to 2^40 (12 days): what is longer lands in the last bucket.
    private const int MaxBits = 40;
    private readonly long[] _buckets = new long[(MaxBits - SubBits + 2) * SubCount];

    public long Count { get; private set; }

    public TimeSpan Max { get; private set; }

    /// <param name="startTimestamp">A <see cref="Stopwatch.GetTimestamp"/>.</param>
    public void RecordSince(long startTimestamp) => Record(Stopwatch.GetElapsedTime(startTimestamp));

    public void Record(TimeSpan duration)
    {
        long microseconds = Math.Max(0, duration.Ticks / TimeSpan.TicksPerMicrosecond);
        _buckets[Math.Min(BucketOf(microseconds), _buckets.Length - 1)]++;
        Count++;
        Max = duration > Max ? duration : Max;
    }

    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _buckets.Length; i++)
        {
            _buckets[i] += other._buckets[i];
        }

        Count += other.Count;
        Max = other.Max > Max ? other.Max : Max;
    }

    /// <summary>The duration that <paramref name="fraction"/> (0..1) of what was recorded does not exceed; zero when nothing was.</summary>
    public TimeSpan Percentile(double fraction)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(fraction * Count));
        long seen = 0;
        for (int i = 0; i < _buckets.Length; i++)
        {
            seen += _buckets[i];
            if (seen >= wanted && Count > 0)
            {
                TimeSpan end = TimeSpan.FromMicroseconds(EndOf(i));
                return end < Max ? end : Max;
            }
        }

        return Max;
    }

    // Values below 64 have a bucket each; above, the top 6 bits after the leading one choose among 64 in each power of two.
    private static int BucketOf(long microseconds)
    {
        if (microseconds < SubCount)
        {
            return (int)microseconds;
        }

        int power = BitOperations.Log2((ulong)microseconds);
        return ((power - SubBits + 1) << SubBits) + (int)((microseconds >> (power - SubBits)) - SubCount);
    }

    private static long EndOf(int bucket)
    {
        if (bucket < SubCount)
        {
            return bucket + 1;
        }

        int shift = (bucket >> SubBits) - 1;
        return ((bucket & (SubCount - 1)) + SubCount + 1L) << shift;
    }
}
