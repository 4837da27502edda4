using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Finds the columns of a record that a later one replaces (<c>keep: last</c>): in the round that is being folded, or in the log.
/// Owned by whoever folds. The last batch read is kept, because replacements come in runs.
/// </summary>
/// <param name="round">What is appended but may not be readable yet: of the loop that writes the log; empty for everybody else.</param>
internal sealed class EarlierRecords(Partition partition, List<RoundStep> round) : IDisposable
{
    private readonly ColumnBatch _columns = new();
    private readonly EventScratch _scratch = new();
    private LogReader? _reader;
    private byte[] _bytes = [];

    /// <summary>The batch and the index in it of the record at <paramref name="offset"/>. The batch is valid until the next call.</summary>
    /// <param name="current">The batch being folded. One of the round that was folded before it has the columns, whatever its plan.</param>
    public (ColumnBatch Batch, int Record) Find(long offset, StreamPlan plan, ColumnBatch current)
    {
        if (Contains(current, offset))
        {
            return (current, (int)(offset - current.BaseOffset));
        }

        foreach (RoundStep step in round)
        {
            if (step.Batch is { RecordCount: > 0 } batch && Contains(batch.Columns, offset))
            {
                return (batch.Columns, (int)(offset - batch.Columns.BaseOffset));
            }
        }

        if (!Contains(_columns, offset) || _columns.Plan != plan)
        {
            Read(offset, plan);
        }

        return (_columns, (int)(offset - _columns.BaseOffset));
    }

    /// <summary>Closes the files; the next call opens the log that the partition has then.</summary>
    public void Close()
    {
        _reader?.Dispose();
        _reader = null;
        _columns.Clear(StreamPlan.None);
    }

    public void Dispose() => Close();

    private void Read(long offset, StreamPlan plan)
    {
        _reader ??= partition.Log!.OpenReader(new Offset(offset));
        _reader.Seek(new Offset(offset));
        bool found = _reader.TryReadNext(out StoredBatch batch);
        Invariant.Check(found && batch.BaseOffset.Value <= offset && offset < batch.End.Value, "A replaced record is not in the log.");
        if (_bytes.Length < batch.Bytes.Length)
        {
            _bytes = new byte[batch.Bytes.Length];
        }

        batch.Bytes.CopyTo(_bytes);
        plan.ExtractDecided(_bytes.AsMemory(0, batch.Bytes.Length), _columns, _scratch);
        _columns.BaseOffset = batch.BaseOffset.Value;
        _columns.AppendTimeMs = batch.AppendTimeMs;
        _columns.Partition = partition.Id;
    }

    private static bool Contains(ColumnBatch batch, long offset) => offset >= batch.BaseOffset && offset < batch.BaseOffset + batch.RecordCount;
}
