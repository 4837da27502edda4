using System.Buffers;
using Weir.Core;

namespace Weir.Engine;

/// <content>Frames, subscribers and those who wait for a position.</content>
public sealed partial class ReadModel
{
    /// <summary>Frames from which a client can go on without a new snapshot.</summary>
    public const int MaxResumableFrames = 100;

    // A view may change more rows at once than are worth keeping; frames are dropped earlier then.
    private const int MaxResumableRows = 100_000;

    // How often a frame goes out although nothing changed: what tells a subscriber that is quiet here from one that is cut off.
    private const long BeatMs = 1_000;

    private readonly Queue<LiveFrame> _frames = new();
    private ViewRow[] _shownTop = [];
    private int _frameRows;
    private int _shownCount;
    private long _publishedMs;
    private long _sequence;
    private ViewHeader _header;
    private LiveFrame? _newest;
    private ShownRows? _state;
    private ViewStop? _overflow;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the next frame is there.</summary>
    internal Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>A subscriber that begins with a snapshot, or after the frame that <paramref name="lastId"/> names if that is not too long ago.</summary>
    /// <param name="lastId">The <see cref="LiveFrame.Id"/> that a client saw last; null or unknown: none.</param>
    public LiveSubscription Subscribe(string? lastId = null)
    {
        lock (_gate)
        {
            // Frames without rows share an id; the last one after it is enough, and says whether the stream is final.
            LiveFrame? next = null;
            foreach (LiveFrame frame in _frames)
            {
                next = frame.PreviousId == lastId ? frame : next;
            }

            if (next is not null)
            {
                return new LiveSubscription(this, next.Sequence);
            }

            if (lastId == _header.Id)
            {
                return new LiveSubscription(this, _sequence + 1);
            }
        }

        return new LiveSubscription(this, next: -1);
    }

    /// <summary>Waits until the rows cover a position.</summary>
    /// <returns>False: not within <paramref name="timeout"/>; the same call may succeed later.</returns>
    public async Task<bool> WaitForAsync(Position position, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            Task changed = Changed;
            if (Position.Covers(position))
            {
                return true;
            }

            TimeSpan left = timeout - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            try
            {
                await changed.WaitAsync(left, time, cancellation).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return Position.Covers(position);
            }
        }
    }

    /// <summary>The frame with the sequence <paramref name="next"/>; a snapshot when it is gone, when -1 is asked for, or when what was missed is more than the state; null when it is still to come.</summary>
    /// <param name="next">Becomes the sequence to ask for after this frame.</param>
    internal LiveFrame? FrameFrom(ref long next)
    {
        lock (_gate)
        {
            if (next > _sequence)
            {
                return null;
            }

            // Nearly everybody is up to date: with thousands of subscribers this is what the lock is held for.
            if (next == _sequence && _newest is not null)
            {
                next++;
                return _newest;
            }

            int missed = 0;
            LiveFrame? wanted = null;
            foreach (LiveFrame frame in _frames)
            {
                wanted = frame.Sequence == next ? frame : wanted;
                missed += frame.Sequence >= next ? frame.RowCount : 0;
            }

            if (wanted is not null && missed <= _shownCount)
            {
                next++;
                return wanted;
            }

            next = _sequence + 1;
            return State().Snapshot;
        }
    }

    /// <summary>The rows at the present position. The copy is made once per position, and only if somebody reads.</summary>
    private ShownRows State()
    {
        if (_state is null)
        {
            ViewRow[] rows = _top is null ? [.. PassingRows()] : _shownTop;
            _state = new ShownRows(_plan, _view, _order, rows, _sequence, _header);
        }

        return _state;
    }

    // Compares what is shown with what was shown: in the touched groups, or, with LIMIT, in all that are or were among the first.
    private void ShowChanges(List<ViewRow> rows, List<byte[]> removed)
    {
        if (_top is null)
        {
            foreach (MergedGroup group in _touched)
            {
                Show(group, group.Row, rows, removed);
            }
        }
        else if (_touched.Count > 0)
        {
            ShowTop(_top, rows, removed);
        }

        _touched.Clear();
    }

    private void ShowTop(TopRows top, List<ViewRow> rows, List<byte[]> removed)
    {
        ViewRow[] before = _shownTop;
        _shownTop = [.. top.Top()];
        foreach (ViewRow row in _shownTop)
        {
            row.Group.IsInTop = true;
        }

        foreach (ViewRow row in before)
        {
            if (!row.Group.IsInTop)
            {
                Show(row.Group, now: null, rows, removed);
            }
        }

        foreach (ViewRow row in _shownTop)
        {
            row.Group.IsInTop = false;
            Show(row.Group, row, rows, removed);
        }
    }

    private void Show(MergedGroup group, ViewRow? now, List<ViewRow> rows, List<byte[]> removed)
    {
        if (ReferenceEquals(now, group.Shown))
        {
            return;
        }

        if (now is not null)
        {
            rows.Add(now);
            _shownCount += group.Shown is null ? 1 : 0;
        }
        else
        {
            removed.Add(group.Key);
            _shownCount--;
        }

        group.Shown = now;
    }

    // Null: nothing changed, not even the position, and it is not time for a beat. A clock that is set back beats at once.
    private TaskCompletionSource? Publish(List<ViewRow> rows, List<byte[]> removed, bool isFinal)
    {
        string previousId = _header.Id;
        ViewHeader header = _overflow is null ? HeaderNow(isFinal) : _header with { Stop = _overflow };
        if (rows.Count > 0 || removed.Count > 0 || !header.Equals(_header))
        {
            Volatile.Write(ref _header, header);
            _state = null;
        }
        else if (isFinal || Math.Abs(AsOfMs - _publishedMs) < BeatMs)
        {
            return null;
        }

        _publishedMs = AsOfMs;
        _sequence++;
        int size = rows.Count + removed.Count;
        ViewRow[] changedRows = [.. rows];
        byte[][] removedKeys = [.. removed];
        _newest = new LiveFrame(_sequence, size, isSnapshot: false, header.IsFinal, header.Position, header.Id, previousId, () => Encode(header, changedRows, removedKeys));
        _frames.Enqueue(_newest);
        _frameRows += size;
        while (_frames.Count > MaxResumableFrames || _frameRows > MaxResumableRows)
        {
            _frameRows -= _frames.Dequeue().RowCount;
        }

        _newest = _frames.Count > 0 ? _newest : null;

        TaskCompletionSource changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return changed;
    }

    private ViewHeader HeaderNow(bool isFinal)
    {
        long[] ends = new long[_partitions.Length];
        long errors = 0;
        ViewStop? stop = null;
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = _partitions[i]?.End ?? 0;
            errors += _partitions[i]?.ErrorCount ?? 0;
            stop ??= _partitions[i]?.Stop;
        }

        Position position = new(_stream, ends);
        return new ViewHeader(IdAt(position), position, isFinal, errors, stop);
    }

    private string IdAt(Position position) => FormattableString.Invariant($"{Version};{position}");

    private byte[] Encode(ViewHeader header, ViewRow[] rows, byte[][] removed)
    {
        ArrayBufferWriter<byte> json = new();
        json.Write("{"u8);
        header.WriteFrame(json, _plan, rows, removed);
        return json.WrittenSpan.ToArray();
    }
}
