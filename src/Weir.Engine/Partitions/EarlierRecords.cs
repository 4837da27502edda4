using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Finds records that a later one is held against: the columns of one that is replaced (<c>keep: last</c>), the payloads of events whose prints
/// are equal. They are in the round that is being folded, or in the log. Owned by whoever folds. The last batch read is kept, because
/// replacements and retries come in runs.
/// </summary>
/// <param name="round">What is appended but may not be readable yet: of the loop that writes the log; empty for everybody else.</param>
internal sealed class EarlierRecords(Partition partition, List<RoundStep> round) : IDisposable
{
    // Batches nearer than this are read through rather than looked up.
    private const int NearbyRecords = 1000;

    private readonly ColumnBatch _columns = new();
    private readonly List<(long Offset, int Record)> _lookalikes = [];
    private readonly List<(int At, int Length)> _values = [];
    private LogReader? _reader;
    private byte[] _bytes = [];
    private int _length;
    private long _base;
    private long _appendTimeMs;

    /// <summary>
    /// Compares the payloads of records that have the print of their owner's event with that event's, and tells the batch which differ. Before
    /// <see cref="Admission.Decide"/>, which is handed what was found and reads nothing. An event that retention has deleted, or that is
    /// damaged, is not compared: there the print decides.
    /// </summary>
    public void CompareLookalikes(Admission admission, ColumnBatch current)
    {
        _lookalikes.Clear();
        admission.FindLookalikes(current, _lookalikes);
        _lookalikes.Sort();
        foreach ((long offset, int record) in _lookalikes)
        {
            try
            {
                if (!current.ValueOf(record).SequenceEqual(ValueOf(offset)))
                {
                    current.NoteLookalike(record);
                }
            }
            catch (WeirException exception) when (exception is OffsetNotStoredException or LogDamagedException)
            {
                Close();
            }
        }
    }

    /// <summary>The batch and the index in it of the record at <paramref name="offset"/>. The batch is valid until the next call.</summary>
    /// <param name="current">The batch being folded. One of the round that was folded before it has the columns, whatever its plan.</param>
    public (ColumnBatch Batch, int Record) Find(long offset, StreamPlan plan, ColumnBatch current)
    {
        ColumnBatch? columns = Contains(current, offset) ? current : InRound(offset);
        if (columns is null)
        {
            Read(offset);
            columns = _columns;
            if (columns.RecordCount == 0 || columns.Plan != plan)
            {
                plan.ExtractDecided(_bytes.AsMemory(0, _length), columns, EventScratch.OfThread);
                columns.BaseOffset = _base;
                columns.AppendTimeMs = _appendTimeMs;
                columns.Partition = partition.Id;
            }
        }

        return (columns, (int)(offset - columns.BaseOffset));
    }

    /// <summary>Closes the files; the next call opens the log that the partition has then.</summary>
    public void Close()
    {
        _reader?.Dispose();
        _reader = null;
        _values.Clear();
        _columns.Clear(StreamPlan.None);
    }

    public void Dispose() => Close();

    private ReadOnlySpan<byte> ValueOf(long offset)
    {
        if (InRound(offset) is { } columns)
        {
            return columns.ValueOf((int)(offset - columns.BaseOffset));
        }

        Read(offset);
        (int at, int length) = _values[(int)(offset - _base)];
        return _bytes.AsSpan(at, length);
    }

    private ColumnBatch? InRound(long offset)
    {
        foreach (RoundStep step in round)
        {
            if (step.Batch is { RecordCount: > 0 } batch && Contains(batch.Columns, offset))
            {
                return batch.Columns;
            }
        }

        return null;
    }

    private void Read(long offset)
    {
        long end = _base + _values.Count;
        if (_values.Count > 0 && offset >= _base && offset < end)
        {
            return;
        }

        if (_reader is null || offset < end || offset - end > NearbyRecords)
        {
            _reader ??= partition.Log!.OpenReader(new Offset(offset));
            _reader.Seek(new Offset(offset));
        }

        StoredBatch batch;
        do
        {
            bool found = _reader.TryReadNext(out batch);
            Invariant.Check(found && batch.BaseOffset.Value <= offset, "An earlier record is not in the log.");
        }
        while (batch.End.Value <= offset);

        ReadOnlySpan<byte> content = batch.Content.Span;
        _length = content.Length;
        if (_bytes.Length < _length)
        {
            _bytes = new byte[_length];
        }

        // Columns are ranges of the bytes that are overwritten here.
        _columns.Clear(StreamPlan.None);
        content.CopyTo(_bytes);
        _base = batch.BaseOffset.Value;
        _appendTimeMs = batch.AppendTimeMs;
        _values.Clear();
        bool isBatch = RecordBatch.TryRead(_bytes.AsSpan(0, _length), out RecordBatch records);
        Invariant.Check(isBatch, "The log returned a batch that is none.");
        foreach (Record record in records)
        {
            _values.Add((record.ValueAt, Math.Max(record.ValueLength, 0)));
        }
    }

    private static bool Contains(ColumnBatch batch, long offset) => offset >= batch.BaseOffset && offset < batch.BaseOffset + batch.RecordCount;
}
