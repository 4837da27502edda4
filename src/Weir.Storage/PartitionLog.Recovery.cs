using Weir.Core;
using Weir.Storage.Recovery;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>What opening changes on disk, after recovery has decided: leftovers go, cut bytes are kept aside, the kept tail is written again.</summary>
public sealed partial class PartitionLog
{
    private RecoveryReport FinishRecovery(RecoveredLog recovered)
    {
        // Names that are seen may be in memory only, where a process was killed before it flushed them. Retention would delete segments because of such a base.
        _disk.SyncDirectory(_directory);
        DeleteLeftovers();
        RecoveryReport report = recovered.Report;
        if (recovered.Cut is { } cut)
        {
            report = report with { CutFile = KeepAside(cut, recovered.End) };
        }

        // The last segment is sealed from now on. Its index is at hand, and would otherwise be made by a later reader.
        if (recovered.Segments is [.., Segment last] && !_disk.FileExists(Path.ChangeExtension(last.Path, LogFiles.Index)))
        {
            WriteIndex(last, last.GetIndex(_disk, _options));
        }

        if (recovered.Tail is { } tail)
        {
            RewriteTail(tail, recovered.End);
        }

        return report;
    }

    private void DeleteLeftovers()
    {
        bool any = false;
        foreach (string name in _disk.List(_directory))
        {
            if (name.EndsWith(LogFiles.Temporary, StringComparison.Ordinal))
            {
                _disk.Delete(Path.Combine(_directory, name));
                any = true;
            }
        }

        if (any)
        {
            _disk.SyncDirectory(_directory);
        }
    }

    /// <summary>Copies the bytes that will not be log to <c>&lt;offset&gt;.cut</c> (with a number where that name is taken), zeros at the end left out.</summary>
    /// <returns>Path of the copy; null when the bytes were all zero.</returns>
    private string? KeepAside(CutTail cut, Offset end)
    {
        using IDiskFile source = _disk.OpenFile(cut.Path, FileOpen.Read);
        byte[] chunk = new byte[(int)Math.Min(cut.Bytes, FrameScanner.ChunkBytes)];
        string path = LogFiles.At(_directory, end, LogFiles.Cut);
        for (int copy = 1; _disk.FileExists(path); copy++)
        {
            path = Path.Combine(_directory, LogFiles.Name(end, $"-{copy}{LogFiles.Cut}"));
        }

        long kept = 0;
        using (IDiskFile target = LogFiles.CreateTemporary(_disk, path))
        {
            for (long done = 0; done < cut.Bytes;)
            {
                int count = source.Read(cut.FilePosition + done, chunk.AsSpan(0, (int)Math.Min(chunk.Length, cut.Bytes - done)));
                if (count == 0)
                {
                    break;
                }

                int meaningful = chunk.AsSpan(0, count).TrimEnd((byte)0).Length;
                if (meaningful > 0)
                {
                    // Zeros between are written by the gap: a file reads as zero where nothing was written.
                    target.Write(done, chunk.AsSpan(0, meaningful));
                    kept = done + meaningful;
                }

                done += count;
            }

            target.Flush();
        }

        if (kept == 0)
        {
            _disk.Delete(path + LogFiles.Temporary);
            return null;
        }

        _disk.Rename(path + LogFiles.Temporary, path);
        _disk.SyncDirectory(_directory);
        return path;
    }

    /// <summary>
    /// As <see cref="RewriteTail"/> where there is no room for a new segment: the same bytes at the same place need none. Written, their pages are dirty, so
    /// that this flush covers them whatever became of the one before; and a write that is torn leaves what was there, or the same. The length is changed
    /// and changed back for the same reason, and the directory is flushed, because the file's name may be in memory only. It proves them to this opening
    /// only: the next one that has room writes them into a new segment.
    /// </summary>
    private static bool TryRewriteInPlace(IDisk disk, string directory, LogIdentity identity, UnprovenTail tail)
    {
        try
        {
            disk.SyncDirectory(directory);
            using IDiskFile file = disk.OpenFile(tail.Path, FileOpen.ReadWrite);
            var frames = new FrameScanner(file, identity.FrameSeed, tail.FilePosition, tail.Length);
            while (frames.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out _))
            {
                if (!frame.IsIdle && (!RecordBatch.TryRead(batch, out RecordBatch parsed) || !parsed.HasValidCrc()))
                {
                    return false;
                }
            }

            if (frames.FilePosition != tail.Length)
            {
                return false;
            }

            byte[] chunk = new byte[(int)Math.Min(tail.Length - tail.FilePosition, FrameScanner.ChunkBytes)];
            for (long at = tail.FilePosition; at < tail.Length; at += chunk.Length)
            {
                Span<byte> bytes = chunk.AsSpan(0, (int)Math.Min(chunk.Length, tail.Length - at));
                if (file.Read(at, bytes) != bytes.Length)
                {
                    return false;
                }

                file.Write(at, bytes);
            }

            long length = file.Length;
            file.Truncate(length + 1);
            file.Truncate(length);
            file.Flush();
            return true;
        }
        catch (DiskException)
        {
            return false;
        }
    }

    /// <summary>
    /// Writes the frames without proof of a flush into a new segment, all or nothing, and then the frame that proves them.
    /// The page cache may hold what the disk does not: only a new write in a new file makes sure (docs/internals/recovery.md).
    /// </summary>
    private void RewriteTail(UnprovenTail tail, Offset end)
    {
        LogEnd = tail.BaseOffset;
        FlushedEnd = tail.BaseOffset;
        CreateSegment(tail.BaseOffset, CopyFrames);
        _writtenEnd = LogEnd;
        FlushedEnd = LogEnd;
        if (LogEnd != end)
        {
            throw new InvalidOperationException($"The tail changed while it was read: {LogEnd} instead of {end}.");
        }

        _tipIsIdle = false;
        AppendIdleFrame(LastAppendTimeMs);
        Write();
        Flush();

        void CopyFrames(IDiskFile target)
        {
            using IDiskFile source = _disk.OpenFile(tail.Path, FileOpen.Read);
            var frames = new FrameScanner(source, _seed, tail.FilePosition, tail.Length);
            byte[] buffer = [];
            while (frames.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out _))
            {
                if (frame.IsIdle)
                {
                    continue;
                }

                // Checked once more: what is copied now is trusted from now on.
                if (!RecordBatch.TryRead(batch, out RecordBatch parsed) || parsed.BaseOffset != LogEnd || !parsed.HasValidCrc())
                {
                    throw new DiskException("pread", tail.Path, DiskException.InputOutput);
                }

                if (buffer.Length < frame.TotalBytes)
                {
                    buffer = new byte[frame.TotalBytes];
                }

                uint checksum = Frame.Write(buffer, _seed, batch, _tip.Checksum, frame.AppendTimeMs, FlushedEnd);
                batch.CopyTo(buffer.AsSpan(Frame.HeaderBytes));
                target.Write(_written, buffer.AsSpan(0, frame.TotalBytes));
                _activeIndex!.Add(LogEnd, frame.AppendTimeMs, _written, always: false);
                _tip = new Tip(checksum, frame.TotalBytes, HasRecords: true);
                _written += frame.TotalBytes;
                LogEnd += parsed.RecordCount;
            }
        }
    }
}
