using System.Threading.Channels;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// One snapshot on its way to disk. The writer thread copies views and tables piece by piece into a short queue (<see cref="CopyNext"/>); a
/// thread of the job writes them. When the disk is slow the queue is full and copying waits, never the writer.
/// </summary>
internal sealed class SnapshotJob
{
    private const int QueuedPieces = 8;

    private readonly Channel<(string Section, byte[] Bytes)> _queue = Channel.CreateBounded<(string, byte[])>(new BoundedChannelOptions(QueuedPieces) { AllowSynchronousContinuations = true });
    private readonly IEnumerator<(string Section, byte[] Bytes)> _pieces;
    private readonly IThreads _threads;
    private readonly Action _onStep;
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _job;
    private bool _isComplete;
    private volatile bool _isAbandoned;

    /// <param name="pieces">The sections, each without a break; advanced by <see cref="CopyNext"/>.</param>
    public SnapshotJob(IDisk disk, string directory, LogIdentity identity, Offset offset, IEnumerable<(string Section, byte[] Bytes)> pieces, VerdictLog verdicts, IThreads threads, Action onStep)
    {
        _threads = threads;
        _pieces = pieces.GetEnumerator();
        _onStep = onStep;
        _job = threads.Start($"weir-snapshot-{identity.Partition}", () => Write(disk, directory, identity, offset, verdicts));
    }

    /// <summary>Completes when the snapshot has its name on disk, or faults.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Whether <see cref="CopyNext"/> would do something, or the end is to be noticed.</summary>
    public bool CanStep => _finished.Task.IsCompleted || (!_isComplete && _queue.Reader.Count < QueuedPieces);

    /// <summary>Copies one piece, if the queue has room. Writer thread.</summary>
    public void CopyNext()
    {
        if (_isComplete || _queue.Reader.Count >= QueuedPieces)
        {
            return;
        }

        if (_pieces.MoveNext())
        {
            _queue.Writer.TryWrite(_pieces.Current);
        }
        else
        {
            Complete();
        }
    }

    /// <summary>Waits until the job's thread touches no file any more; after <see cref="Abandon"/> or when it has finished.</summary>
    public void Join() => _threads.Wait(_job, Timeout.InfiniteTimeSpan);

    /// <summary>Ends the job's thread; a snapshot that has its name keeps it.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        Complete();
    }

    private void Complete()
    {
        _isComplete = true;
        _queue.Writer.TryComplete();
    }

    private void Write(IDisk disk, string directory, LogIdentity identity, Offset offset, VerdictLog verdicts)
    {
        try
        {
            // Verdicts below a snapshot are not replayed any more, so they must be there.
            verdicts.Flush();
            using SnapshotWriter snapshot = SnapshotWriter.Begin(disk, directory, identity, offset);
            SnapshotState.Write(snapshot, Pieces());
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

    private IEnumerable<(string Section, byte[] Bytes)> Pieces()
    {
        while (true)
        {
            Task<bool> more = _queue.Reader.WaitToReadAsync().AsTask();
            _threads.Wait(more, Timeout.InfiniteTimeSpan);
            if (!more.Result)
            {
                yield break;
            }

            while (_queue.Reader.TryRead(out (string, byte[]) piece))
            {
                _onStep();
                yield return piece;
            }
        }
    }
}
