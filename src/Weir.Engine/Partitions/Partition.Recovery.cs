using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Opening: the log recovers itself, then the fold state is made again: newest intact snapshot, and the log from there on.
/// Runs on a recovery thread that owns the partition meanwhile; also after a failed flush, when nothing in memory can be trusted.
/// </summary>
internal sealed partial class Partition
{
    // As much as an opening writes beside the tail: a segment's header and a few blocks of verdicts.
    private static readonly byte[] s_probe = new byte[256 << 10];

    private VerdictLog? _verdicts;
    private byte[] _verdictBuffer = [];
    private long[] _replacedBuffer = [];
    private int _verdictCount;
    private long _verdictStart;

    /// <summary>The offset from which the fold was made again at the last opening.</summary>
    public long ReplayedFrom { get; private set; }

    /// <summary>The highest producer id in the fold state; -1: none. By who owns the partition.</summary>
    public long HighestProducerId => _admission.Producers.HighestId;

    /// <summary>Records that the last opening folded again.</summary>
    public long Replayed { get; private set; }

    /// <summary>What opening the log found.</summary>
    public RecoveryReport? Recovery { get; private set; }

    /// <summary>The verdicts on disk, for readers on any thread; null until the log has been opened.</summary>
    public VerdictLog? Verdicts => _verdicts;

    private LogIdentity Identity => new(_stream.Id, Id);

    private LogOptions LogOptions => new() { SegmentBytes = _options.SegmentBytes };

    /// <summary>What keeps the opened partition from taking events: the log, its verdicts or its define marker could not be written. Null: nothing does.</summary>
    public DiskException? WriteFailure => _log?.PoisonedBy ?? _verdicts?.HeldBecause;

    /// <summary>
    /// Opens the log for reading and writing; the next steps are <see cref="Adopt"/> and <see cref="Refold"/>. By who owns the partition, which keeps what it
    /// has when this fails.
    /// </summary>
    /// <exception cref="WeirException">The directory cannot be read, or not be written.</exception>
    /// <param name="isNew">The stream is being made. Otherwise the log must be there.</param>
    public PartitionLog OpenLog(IDisk disk, out RecoveryReport report, bool isNew = false)
    {
        // Both write into the directory that is about to be opened.
        Keys.Abandon(Offset.Zero);
        _abandonedSnapshot?.Join();
        _abandonedSnapshot = null;
        if (!isNew)
        {
            // The definition that this opening found may be there in memory only, its name never flushed by the process that wrote it.
            disk.SyncDirectory(_stream.StorageDirectory.Path);
        }

        return PartitionLog.Open(disk, Directory, Identity, LogOptions, out report, mustExist: !isNew);
    }

    /// <summary>Writes, flushes and deletes a file in the directory. By who owns the partition.</summary>
    /// <exception cref="DiskException">The disk takes no writes yet.</exception>
    public void ProbeWriting(IDisk disk)
    {
        string path = Path.Combine(Directory, "probe.tmp");
        if (disk.FileExists(path))
        {
            disk.Delete(path);
        }

        try
        {
            using IDiskFile probe = disk.OpenFile(path, FileOpen.CreateNew);
            probe.Write(0, s_probe);
            probe.Flush();
        }
        finally
        {
            if (disk.FileExists(path))
            {
                disk.Delete(path);
            }
        }
    }

    /// <summary>As <see cref="OpenLog"/> and <see cref="Adopt"/>, of a partition that has nothing yet. Where that fails, what is proven and can be read is opened for reading.</summary>
    /// <exception cref="WeirException">The directory cannot be read.</exception>
    public void OpenAtStart(IDisk disk)
    {
        try
        {
            Adopt(OpenLog(disk, out RecoveryReport report), report);
        }
        catch (DiskException cause)
        {
            Adopt(PartitionLog.OpenProven(disk, Directory, Identity, LogOptions, cause, out RecoveryReport report), report);
        }
    }

    /// <summary>Takes an opened log in place of the one before. By who owns the partition.</summary>
    public void Adopt(PartitionLog log, RecoveryReport report)
    {
        _state = PartitionState.Recovering;
        _idleFrameDue = false;
        _earlier.Close();
        _verdicts?.Dispose();
        _log?.Dispose();
        _log = log;
        Recovery = report;
    }

    /// <summary>Makes the fold state from disk.</summary>
    /// <param name="plan">The stream's plan now; definitions found in the log take its place as they are met.</param>
    /// <param name="views">The stream's views. Those that the snapshot lacks are left out, unless the whole log is replayed.</param>
    /// <param name="progress">Receives the exclusive end folded so far.</param>
    /// <returns>The views that are attached, their state at the end of the log; the others have to be built.</returns>
    public IReadOnlyList<View> Refold(IDisk disk, StreamPlan plan, IReadOnlyList<View> views, Action<long>? progress)
    {
        PartitionLog log = _log!;
        _views.Clear();
        _plan = plan;
        NewAdmission(plan);
        Offset from = log.LogStart;
        List<(View View, PartialView Partial)> restored = [];
        List<string> rejected = [];
        Dictionary<string, byte[]>? sections = null;
        VerdictLog? verdicts = null;
        foreach (SnapshotReader snapshot in SnapshotReader.OpenEach(disk, Directory, log.Identity, log.LogStart, log.LogEnd, rejected))
        {
            using (snapshot)
            {
                if (!HasVerdictsBelow(disk, snapshot))
                {
                    break;
                }

                sections = TryLoad(snapshot, plan, rejected);
                if (sections is not null)
                {
                    verdicts = VerdictLog.Open(disk, log, RemembersReplaced, snapshot.Offset);
                    if (verdicts.HasGap && log.LogStart == Offset.Zero)
                    {
                        // The disk gave them a moment ago, and does not any more.
                        ReportGap(snapshot, snapshot.Offset);
                        verdicts.Dispose();
                        (sections, verdicts) = (null, null);
                        NewAdmission(plan);
                    }
                    else
                    {
                        from = snapshot.Offset;
                    }

                    break;
                }
            }
        }

        if (sections is not null)
        {
            _plan = plan.With(_admission.Definition);
            foreach (View view in views)
            {
                if (sections.TryGetValue(view.Section, out byte[]? state) && view.ReadPartial(state, Id) is { } partial)
                {
                    restored.Add((view, partial));
                }
            }
        }
        else if (log.LogStart > Offset.Zero)
        {
            // What the cut segments held is known to nobody: counting on from nothing would count their owners again.
            log.MarkReadOnly($"The log of {_stream.Name}/{Id} begins at offset {log.LogStart} and no intact base or snapshot says what was counted before. Restore a .base file from a copy.");
        }

        foreach (string file in rejected)
        {
            _stream.Report(EngineEvent.SnapshotRejected, $"A snapshot was passed over: {file}");
        }

        if (sections is null)
        {
            restored.AddRange(views.Select(view => (view, view.NewPartial(Id))));
        }

        foreach ((View view, PartialView partial) in restored)
        {
            _views.Add(view, partial);
        }

        _collectedEnd = -1;
        ReplayedFrom = from.Value;
        _verdicts = verdicts ?? VerdictLog.Open(disk, log, RemembersReplaced, from);
        _verdictStart = from.Value;
        _verdictCount = 0;
        Volatile.Write(ref _decidedEnd, from.Value);
        long replayedBytes = ReplayFrom(log, from, progress);

        // Measured from the snapshot, or a node that restarts often would replay more each time and never write one.
        _snapshotEndBytes = log.TotalBytes - replayedBytes;
        PublishCounters();
        foreach ((View view, PartialView partial) in restored)
        {
            view.SetPartial(Id, partial);
        }

        return [.. restored.Select(one => one.View)];
    }

    // Replay makes only the verdicts from the snapshot on, and views that are built later rest on those below it. A log that retention has cut
    // cannot be folded again from its start: there the missing ones stay unknown.
    private bool HasVerdictsBelow(IDisk disk, SnapshotReader snapshot)
    {
        if (_log!.LogStart > Offset.Zero || VerdictLog.FindGap(disk, _log, RemembersReplaced, snapshot.Offset) is not { } gap)
        {
            return true;
        }

        ReportGap(snapshot, gap);
        return false;
    }

    private void ReportGap(SnapshotReader snapshot, Offset gap) =>
        _stream.Report(EngineEvent.SnapshotRejected, $"The snapshot {snapshot.Path} was passed over: verdicts of {_stream.Name}/{Id} are missing or damaged around offset {gap}. The log is replayed from its start, which makes them again.");

    private void NewAdmission(StreamPlan plan)
    {
        _admission.Dispose();
        _admission = new Admission(plan.Definition, _log!.LogStart.Value);
    }

    // One pass reads, verifies and loads. Null: a block of it is damaged or it has another form, and what was loaded so far is thrown away.
    private Dictionary<string, byte[]>? TryLoad(SnapshotReader snapshot, StreamPlan plan, List<string> rejected)
    {
        try
        {
            return SnapshotState.Load(snapshot, _admission);
        }
        catch (Exception exception) when (exception is WeirException or InvariantException)
        {
            rejected.Add($"{snapshot.Path}: {exception.Message}");
            NewAdmission(plan);
            return null;
        }
    }

    /// <summary>Whether the log lacks a define marker with this definition; then one is appended before serving.</summary>
    public bool LacksDefinition(StreamDefinition definition) =>
        !_log!.IsReadOnly && !_log.IsPoisoned && (_log.LogEnd == Offset.Zero || !_admission.Definition.ToJson().AsSpan().SequenceEqual(definition.ToJson()));

    /// <summary>Appends a define marker before the partition serves: of a new stream, or one that a crash left out.</summary>
    public void AppendDefinition(StreamDefinition definition, ReadOnlySpan<byte> secret, long nowMs)
    {
        byte[] json = MarkerJson.Define(definition, secret);
        _log!.Append(Marker.Write(_markerWriter, MarkerType.Define, json, nowMs), 1, nowMs);
        _log.Write();
        _log.Flush();
        FoldMarker(MarkerType.Define, json, definition);
        KeepVerdicts(_verdictStart + _verdictCount, [(byte)Verdict.None], [-1]);
        WriteVerdicts();
        _views.Advance(_log.LogEnd.Value);
        PublishCounters();
        _lastAppendAt = _stream.Time.GetTimestamp();
        _idleFrameDue = true;
    }

    /// <summary>From here on the recovery thread owns the partition. Writer thread.</summary>
    public void HandToRecovery() => _isWithRecovery = true;

    /// <summary>
    /// From here on the loop takes events, or only answers reads when the log is damaged or the disk takes no writes. The writer thread owns the partition again.
    /// </summary>
    public void BeginServing()
    {
        DiskException? failure = WriteFailure;
        _isForWantOfRoom = IsWantOfRoom(failure);
        if (_log!.ReadOnlyReason is { } damage)
        {
            _reason = damage;
            _state = PartitionState.ReadOnly;
        }
        else if (failure is not null)
        {
            _reason = $"{failure.Message} What is proven to be on disk is read, writes are refused; it is tried again by itself.{Waiting()}";
            _state = PartitionState.Unwritable;
        }
        else
        {
            _verdicts!.HoldsOnFailure = false;
            _reason = null;
            _state = PartitionState.Serving;
        }

        ReturnFromRecovery();
    }

    // Records of the last flush before the end: they are in the file, but nobody has proof that they are on disk.
    private string Waiting()
    {
        long waiting = Recovery!.End - _log!.FlushedEnd;
        return waiting > 0 ? $" The last {waiting} records have no proof of a flush and wait to be written again." : "";
    }

    /// <summary>An attempt to recover failed. The partition stays stopped and with the recovery thread; one that could be read stays as it was.</summary>
    public void RemainStopped(Exception cause)
    {
        if (_state != PartitionState.Unwritable)
        {
            _reason = cause.Message;
            _isForWantOfRoom = IsWantOfRoom(cause);
            _state = PartitionState.Stopped;
        }
    }

    private static bool IsWantOfRoom(Exception? cause) => cause is WeirException { Code: ErrorCode.DiskFull };

    /// <summary>The recovery thread is done with the partition, whatever came of it.</summary>
    public void ReturnFromRecovery()
    {
        _isWithRecovery = false;
        _thread?.Wake();
    }

    private long ReplayFrom(PartitionLog log, Offset from, Action<long>? progress)
    {
        Replayed = 0;
        long bytes = 0;
        if (from == log.FlushedEnd)
        {
            return 0;
        }

        var replay = new Replay(this, _plan, _admission, _views, _earlier);
        using LogReader reader = log.OpenReader(from);
        try
        {
            while (reader.TryReadNext(out StoredBatch batch))
            {
                replay.Apply(batch);
                KeepVerdicts(batch.BaseOffset.Value, replay.Verdicts, replay.Others);
                WriteVerdicts();
                Replayed += batch.RecordCount;
                bytes += batch.Bytes.Length;
                progress?.Invoke(batch.End.Value);
            }
        }
        catch (LogDamagedException damage)
        {
            // What follows cannot be decided without what is missing: the state stays right at the place before the damage.
            log.MarkReadOnly(damage.Message);
        }

        _plan = replay.Plan;
        return bytes;
    }

    /// <summary>Remembers the verdicts of folded records until the round is flushed.</summary>
    private void KeepVerdicts(long baseOffset, ReadOnlySpan<byte> verdicts, ReadOnlySpan<long> others)
    {
        Invariant.Check(baseOffset == _verdictStart + _verdictCount, "Verdicts are kept in offset order.");
        int needed = _verdictCount + verdicts.Length;
        if (needed > _verdictBuffer.Length)
        {
            Array.Resize(ref _verdictBuffer, Math.Max(needed, _verdictBuffer.Length * 2));
            Array.Resize(ref _replacedBuffer, _verdictBuffer.Length);
        }

        verdicts.CopyTo(_verdictBuffer.AsSpan(_verdictCount));
        if (RemembersReplaced)
        {
            others[..verdicts.Length].CopyTo(_replacedBuffer.AsSpan(_verdictCount));
        }

        _verdictCount = needed;
    }

    private void WriteVerdicts()
    {
        if (_verdictCount > 0)
        {
            _verdicts!.Append(new Offset(_verdictStart), _verdictBuffer.AsSpan(0, _verdictCount), RemembersReplaced ? _replacedBuffer.AsSpan(0, _verdictCount) : default);
            _verdictStart += _verdictCount;
            _verdictCount = 0;
            Volatile.Write(ref _decidedEnd, _verdictStart);
        }
    }
}
