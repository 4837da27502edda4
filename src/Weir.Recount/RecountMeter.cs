namespace Weir.Recount;

/// <summary>
/// How far a recount is, over all threads. The total counts the records of every pass that is known to be needed; it never shrinks, and grows
/// when the owners of a partition turn out to need more passes.
/// </summary>
internal sealed class RecountMeter(Action<RecountProgress>? report)
{
    private readonly Lock _lock = new();
    private long _passed;
    private long _total;

    /// <summary>All partitions are read once, from here on.</summary>
    public void Begin(long records)
    {
        lock (_lock)
        {
            _total = Math.Max(_total, _passed + records);
        }
    }

    /// <summary>More records have to be passed over than was known.</summary>
    public void Expect(long records)
    {
        lock (_lock)
        {
            _total += records;
        }
    }

    /// <summary>Records were passed over. Reports are made one at a time.</summary>
    public void Pass(int partition, int pass, int passes, long records)
    {
        lock (_lock)
        {
            _passed += records;
            report?.Invoke(new RecountProgress(partition, pass, passes, _passed, _total));
        }
    }
}
