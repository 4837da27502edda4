using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// One snapshot on its way to disk. The writer thread copies shards into a short queue (<see cref="CopyNext"/>); a thread of the job writes them.
/// When the disk is slow the queue is full and copying waits, never the writer.
/// </summary>
internal sealed class SnapshotJob
{
    private const int QueuedShards = 8;

    private readonly BlockingCollection<(int Table, OwnerEntry[] Entries)> _queue = new(QueuedShards);
    private readonly OwnerTable[] _tables;
    private readonly Action _onStep;
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<OwnerEntry> _shard = [];
    private readonly Thread _thread;
    private int _table;
    private volatile bool _isAbandoned;

    public SnapshotJob(IDisk disk, string directory, LogIdentity identity, Offset offset, byte[] define, byte[] admission, List<(string Name, PartialImage State)> views, IEnumerable<OwnerTable> tables, VerdictLog verdicts, Action onStep)
    {
        _tables = [.. tables];
        _onStep = onStep;
        _thread = new Thread(() => Write(disk, directory, identity, offset, define, admission, views, verdicts)) { Name = $"weir-snapshot-{identity.Partition}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Completes when the snapshot has its name on disk, or faults.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Whether <see cref="CopyNext"/> would do something.</summary>
    public bool CanStep => _finished.Task.IsCompleted || (_table <= _tables.Length && _queue.Count < QueuedShards && !_queue.IsAddingCompleted);

    /// <summary>Copies one shard, if the queue has room. Writer thread.</summary>
    public void CopyNext()
    {
        if (_queue.IsAddingCompleted || _queue.Count >= QueuedShards)
        {
            return;
        }

        if (_table == _tables.Length)
        {
            _queue.CompleteAdding();
            return;
        }

        bool more = _tables[_table].CopyNextShard(_shard);
        _queue.Add((_table, _shard.ToArray()));
        _table += more ? 0 : 1;
    }

    /// <summary>Waits until the job's thread touches no file any more; after <see cref="Abandon"/> or when it has finished.</summary>
    public void Join() => _thread.Join();

    /// <summary>Ends the job's thread; a snapshot that has its name keeps it.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        _queue.CompleteAdding();
    }

    private void Write(IDisk disk, string directory, LogIdentity identity, Offset offset, byte[] define, byte[] admission, List<(string Name, PartialImage State)> views, VerdictLog verdicts)
    {
        try
        {
            // Verdicts below a snapshot are not replayed any more, so they must be there.
            verdicts.Flush();
            using SnapshotWriter snapshot = SnapshotWriter.Begin(disk, directory, identity, offset);
            snapshot.WriteSection(SnapshotState.DefineSection);
            snapshot.Write(define);
            snapshot.WriteSection(SnapshotState.AdmissionSection);
            snapshot.Write(admission);
            foreach ((string name, PartialImage state) in views)
            {
                snapshot.WriteSection(name);
                state.WriteTo(snapshot.Write);
            }

            int current = -1;
            foreach ((int table, OwnerEntry[] entries) in _queue.GetConsumingEnumerable())
            {
                if (table != current)
                {
                    current = table;
                    snapshot.WriteSection(SnapshotState.TableSection(table));
                }

                snapshot.Write(MemoryMarshal.AsBytes(entries.AsSpan()));
                _onStep();
            }

            if (!_isAbandoned)
            {
                snapshot.Commit();
            }

            _finished.TrySetResult();
        }
        catch (Exception exception)
        {
            // Reported by the partition; the log does not depend on snapshots.
            _finished.TrySetException(exception);
        }
        finally
        {
            _onStep();
        }
    }
}
