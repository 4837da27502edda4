using System.Text;

namespace Weir.Engine;

/// <summary>
/// Finds a key that takes a large share of a partition's events: space-saving counters over one record in 64, halved now and then so that
/// the past fades. Written by the writer thread; read by any, a moment late.
/// </summary>
internal sealed class HotKeySketch
{
    private const int Counters = 8;
    private const int SampleEvery = 64;
    private const int HalveAt = 4096;

    private readonly byte[][] _keys = new byte[Counters][];
    private readonly int[] _counts = new int[Counters];
    private int _skip;
    private int _samples;
    private volatile Found _found = new(null, 0);

    /// <summary>Looks at some of a batch's keys.</summary>
    public void Sample(ColumnBatch batch)
    {
        for (; _skip < batch.RecordCount; _skip += SampleEvery)
        {
            if (batch.HasKey(_skip))
            {
                Count(batch.KeyOf(_skip));
            }
        }

        _skip -= batch.RecordCount;
    }

    /// <summary>A key with more than a quarter of the recent events, and its share. Any thread.</summary>
    public (string? Key, double Share) Hottest() => (_found.Key, _found.Share);

    private void Count(ReadOnlySpan<byte> key)
    {
        int least = 0;
        bool known = false;
        for (int i = 0; i < Counters && !known; i++)
        {
            known = _counts[i] > 0 && key.SequenceEqual(_keys[i]);
            least = known || _counts[i] < _counts[least] ? i : least;
        }

        if (!known)
        {
            _keys[least] = key.ToArray();
        }

        _counts[least]++;
        if (++_samples >= HalveAt)
        {
            Publish();
            _samples /= 2;
            for (int i = 0; i < Counters; i++)
            {
                _counts[i] /= 2;
            }
        }
    }

    private void Publish()
    {
        int most = Array.IndexOf(_counts, _counts.Max());
        double share = (double)_counts[most] / _samples;
        _found = share > 0.25 ? new Found(Encoding.UTF8.GetString(_keys[most]), share) : new Found(null, 0);
    }

    private sealed record Found(string? Key, double Share);
}
