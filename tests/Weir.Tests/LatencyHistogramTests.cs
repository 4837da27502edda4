using Weir.Cli.Load;

namespace Weir.Cli.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_never_below_the_exact_ones_and_at_most_1_point_6_percent_above()
    {
        var random = new Random(11);
        var exact = new List<double>();
        var histogram = new LatencyHistogram();
        for (int i = 0; i < 20_000; i++)
        {
            double microseconds = Math.Floor(Math.Exp(random.NextDouble() * 20));
            exact.Add(microseconds);
            histogram.Record(TimeSpan.FromMicroseconds(microseconds));
        }

        exact.Sort();
        foreach (double fraction in (double[])[0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 1])
        {
            double wanted = exact[(int)Math.Ceiling(fraction * exact.Count) - 1];
            double found = histogram.Percentile(fraction).TotalMicroseconds;
            Assert.InRange(found, wanted, Math.Max(wanted + 1, wanted * 1.016));
        }
    }

    [Fact]
    public void Merging_is_the_same_as_recording_into_one()
    {
        var one = new LatencyHistogram();
        var left = new LatencyHistogram();
        var right = new LatencyHistogram();
        for (int i = 0; i < 1000; i++)
        {
            one.Record(TimeSpan.FromMilliseconds(i));
            (i % 3 == 0 ? left : right).Record(TimeSpan.FromMilliseconds(i));
        }

        left.Add(right);

        Assert.Equal(one.Count, left.Count);
        Assert.Equal(one.Max, left.Max);
        Assert.Equal(one.Percentile(0.99), left.Percentile(0.99));
    }

    [Fact]
    public void Nothing_recorded_is_zero() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.99));
}
