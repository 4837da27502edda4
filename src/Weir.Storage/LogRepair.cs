using System.Globalization;
using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>
/// Makes a damaged partition writable again without inventing or moving anything: every intact record keeps its offset, each offset whose
/// record is damaged is filled with a <see cref="MarkerType.Lost"/> marker, and the damaged files are kept aside. What was lost stays lost:
/// an identity or claim that only a lost record held is free again. Offline; docs/internals/recovery.md.
/// </summary>
public static class LogRepair
{
    /// <summary>Where the new files are made: beside the partition's directory, with this behind its name.</summary>
    private const string Unfinished = ".repaired";

    /// <summary>Where the old files stay.</summary>
    private const string Aside = ".damaged";

    // Filled in pieces, so that a hole of any size takes bounded memory.
    private const int LostPerBatch = 10_000;

    private const long WriteEveryBytes = 8 << 20;

    /// <summary>Says what <see cref="Apply"/> would do. Reads every byte of the partition, changes nothing.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: it cannot be repaired, and why; restore the directory from a copy.</exception>
    /// <exception cref="DiskException">A file cannot be opened or read. A retry may help.</exception>
    public static LogRepairPlan Plan(IDisk disk, string directory, Action<long>? progress = null)
    {
        LogCheckReport report = LogCheck.Run(disk, directory, progress);
        LogFault[] derived = [.. report.Faults.Where(fault => fault.IsDerived)];
        LogFault[] damage = [.. report.Faults.Where(fault => !fault.IsDerived)];
        string[] derivedFiles = [.. derived.Select(fault => fault.File).Distinct()];
        LogIdentity identity = LogCheck.FindIdentity(disk, directory);
        if (damage.Length == 0)
        {
            return new LogRepairPlan(directory, report.Start, report.End, [], [.. SnapshotsInTheWay(disk, directory, identity, report.Start, derivedFiles), .. derivedFiles], [], []);
        }

        if (identity == default)
        {
            throw new WeirException(ErrorCode.LogDamaged, $"{directory}: no segment has an intact header, so nothing says whose log it is.");
        }

        (List<Place> places, Offset provenEnd) = FindFrames(disk, directory, identity);
        Offset start = FindStart(disk, directory, identity, places);
        List<(Offset Start, Offset End)> lost = [];
        List<Place> kept = [];
        Offset next = start;
        foreach (Place place in places.OrderBy(place => place.BaseOffset).ThenByDescending(place => place.Segment))
        {
            if (place.BaseOffset < next)
            {
                // An older writing of the same offsets, or a frame that the disk put in the wrong place too.
                continue;
            }

            if (place.BaseOffset > next)
            {
                lost.Add((next, place.BaseOffset));
            }

            kept.Add(place);
            next = place.BaseOffset + place.Records;
        }

        Offset end = report.End > provenEnd ? report.End : provenEnd;
        if (end > next)
        {
            lost.Add((next, end));
        }

        return start == Offset.Zero && lost is [(var first, _), ..] && first == Offset.Zero
            ? throw new WeirException(ErrorCode.LogDamaged, $"{directory}: the definition at offset 0 is damaged, and nothing can be decided without it.")
            : new LogRepairPlan(directory, start, end > next ? end : next, lost, derivedFiles, [.. damage.Select(fault => fault.ToString())], kept);
    }

    /// <summary>
    /// Does what the plan says. The new files are complete, flushed and checked before they take the place of the old ones, which are kept
    /// beside the partition. A crash on the way leaves the old ones, or the finished new ones under another name, which the next repair puts in place.
    /// </summary>
    /// <returns>Where the old files are; null when only derived files were deleted or nothing was to be done.</returns>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: what was written does not read back. The old files are as they were.</exception>
    /// <exception cref="DiskException">The old files are as they were. A retry may help.</exception>
    public static string? Apply(IDisk disk, LogRepairPlan plan, LogOptions options)
    {
        if (plan.Damage.Count == 0)
        {
            foreach (string file in plan.DerivedFiles)
            {
                disk.Delete(file);
            }

            if (plan.DerivedFiles.Count > 0)
            {
                disk.SyncDirectory(plan.Directory);
            }

            return null;
        }

        string target = plan.Directory + Unfinished;
        DeleteDirectory(disk, target);
        LogIdentity identity = LogCheck.FindIdentity(disk, plan.Directory);
        disk.CreateDirectory(target);
        CopyBases(disk, plan.Directory, target, identity);
        using (PartitionLog log = PartitionLog.Open(disk, target, identity, options, plan.Start, out _))
        {
            Fill(disk, plan, log, identity);
        }

        LogCheckReport check = LogCheck.Run(disk, target);
        if (!check.IsIntact || check.End != plan.End || check.Start != plan.Start)
        {
            throw new WeirException(ErrorCode.LogDamaged, $"{target} does not read back as it was written ({(check.Faults is [LogFault fault, ..] ? fault.ToString() : $"it ends at {check.End} instead of {plan.End}")}). Nothing was changed in {plan.Directory}.");
        }

        string aside = PutAside(disk, plan.Directory);
        Finish(disk, plan.Directory);
        return aside;
    }

    /// <summary>
    /// Whether a repair was interrupted between its two renames: the partition is missing, its finished files wait under another name. A start since then has made
    /// the partition's directory again, without a segment.
    /// </summary>
    public static bool IsInterrupted(IDisk disk, string directory)
    {
        IReadOnlyList<string> names = disk.List(Path.GetDirectoryName(directory)!);
        return names.Contains(Path.GetFileName(directory) + Unfinished)
            && (!names.Contains(Path.GetFileName(directory)) || !LogFiles.Offsets(disk.List(directory), LogFiles.Log).Any());
    }

    /// <summary>Puts the finished files of an interrupted repair in place.</summary>
    /// <exception cref="DiskException">A retry may help.</exception>
    public static void Finish(IDisk disk, string directory)
    {
        if (disk.List(Path.GetDirectoryName(directory)!).Contains(Path.GetFileName(directory)))
        {
            PutAside(disk, directory);
        }

        disk.Rename(directory + Unfinished, directory);
        disk.SyncDirectory(Path.GetDirectoryName(directory)!);
    }

    // Verdicts are made again by replay, and that of a log that retention has cut begins at its newest snapshot, whatever verdicts lie below it: without snapshots it begins at the base.
    private static IEnumerable<string> SnapshotsInTheWay(IDisk disk, string directory, LogIdentity identity, Offset start, string[] derivedFiles) =>
        start > Offset.Zero && derivedFiles.Any(file => file.EndsWith(LogFiles.Verdicts, StringComparison.Ordinal)) && IntactBases(disk, directory, identity).Any(found => found.Offset == start)
            ? LogFiles.Offsets(disk.List(directory), LogFiles.Snapshot).Select(offset => LogFiles.At(directory, offset, LogFiles.Snapshot)).Except(derivedFiles)
            : [];

    private static string PutAside(IDisk disk, string directory)
    {
        string aside = directory + Aside;
        for (int copy = 1; disk.List(Path.GetDirectoryName(directory)!).Contains(Path.GetFileName(aside)); copy++)
        {
            aside = string.Create(CultureInfo.InvariantCulture, $"{directory}{Aside}-{copy}");
        }

        disk.Rename(directory, aside);
        return aside;
    }

    // A segment's frames end where the next segment's header says: what lies behind was cut at an opening, and other records have its offsets now.
    private static (List<Place> Places, Offset ProvenEnd) FindFrames(IDisk disk, string directory, LogIdentity identity)
    {
        var places = new List<Place>();
        Offset provenEnd = Offset.Zero;
        Offset[] bases = [.. LogFiles.Offsets(disk.List(directory), LogFiles.Log)];
        for (int i = 0; i < bases.Length; i++)
        {
            string path = LogFiles.At(directory, bases[i], LogFiles.Log);
            using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
            long limit = i + 1 < bases.Length && ReadHeader(disk, directory, bases[i + 1], identity) is { } next ? Math.Min(next.PreviousLength, file.Length) : file.Length;
            var frames = new FrameScanner(file, identity.FrameSeed, SegmentHeader.Size, limit);
            while (frames.FilePosition < limit)
            {
                if (!frames.TryNext(out Frame frame, out ReadOnlySpan<byte> bytes, out _))
                {
                    if (!frames.TryResynchronise())
                    {
                        break;
                    }

                    continue;
                }

                provenEnd = frame.DurableEnd > provenEnd ? frame.DurableEnd : provenEnd;
                if (!frame.IsIdle && RecordBatch.TryRead(bytes, out RecordBatch batch) && batch.HasValidCrc())
                {
                    places.Add(new Place(bases[i], frames.FramePosition, frame.TotalBytes, batch.BaseOffset, batch.RecordCount));
                }
            }
        }

        return (places, provenEnd);
    }

    private static SegmentHeader? ReadHeader(IDisk disk, string directory, Offset baseOffset, LogIdentity identity)
    {
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        using IDiskFile file = disk.OpenFile(LogFiles.At(directory, baseOffset, LogFiles.Log), FileOpen.Read);
        return file.Read(0, bytes) == SegmentHeader.Size && SegmentHeader.TryRead(bytes, identity, out SegmentHeader header, out _, out _) ? header : null;
    }

    // Where retention has cut the log, at its newest intact base; a segment below it is one that retention was about to delete.
    private static Offset FindStart(IDisk disk, string directory, LogIdentity identity, List<Place> places)
    {
        IReadOnlyList<string> names = disk.List(directory);
        Offset first = LogFiles.Offsets(names, LogFiles.Log).First();
        Offset? newest = IntactBases(disk, directory, identity).Select(found => (Offset?)found.Offset).LastOrDefault();
        if (first == Offset.Zero && places.Exists(place => place.BaseOffset == Offset.Zero))
        {
            return Offset.Zero;
        }

        return newest ?? (first == Offset.Zero ? Offset.Zero : throw new WeirException(
            ErrorCode.LogDamaged, $"{directory}: the log begins at {first} and no copy of its base is intact, so nothing says what was counted before."));
    }

    private static IEnumerable<(Offset Offset, string Path)> IntactBases(IDisk disk, string directory, LogIdentity identity)
    {
        IReadOnlyList<string> names = disk.List(directory);
        return from suffix in (string[])[LogFiles.Base, LogFiles.BaseCopy]
               from offset in LogFiles.Offsets(names, suffix)
               let path = LogFiles.At(directory, offset, suffix)
               where SnapshotReader.IsIntact(disk, path, identity, offset, out _)
               orderby offset
               select (offset, path);
    }

    // Both copies from an intact one.
    private static void CopyBases(IDisk disk, string directory, string target, LogIdentity identity)
    {
        foreach ((Offset offset, string path) in IntactBases(disk, directory, identity).DistinctBy(found => found.Offset))
        {
            byte[] buffer = new byte[FrameScanner.ChunkBytes];
            foreach (string suffix in (string[])[LogFiles.Base, LogFiles.BaseCopy])
            {
                using IDiskFile source = disk.OpenFile(path, FileOpen.Read);
                using IDiskFile copy = disk.OpenFile(LogFiles.At(target, offset, suffix), FileOpen.CreateNew);
                for (long position = 0; source.Read(position, buffer) is > 0 and int count; position += count)
                {
                    copy.Write(position, buffer.AsSpan(0, count));
                }

                copy.Flush();
            }
        }

        disk.SyncDirectory(target);
    }

    private static void Fill(IDisk disk, LogRepairPlan plan, PartitionLog log, LogIdentity identity)
    {
        var writer = new RecordBatchWriter();
        long staged = 0;
        IDiskFile? file = null;
        Offset? opened = null;
        try
        {
            foreach (Place place in plan.Kept)
            {
                if (opened != place.Segment)
                {
                    file?.Dispose();
                    file = disk.OpenFile(LogFiles.At(plan.Directory, place.Segment, LogFiles.Log), FileOpen.Read);
                    opened = place.Segment;
                }

                var frames = new FrameScanner(file!, identity.FrameSeed, place.FilePosition, place.FilePosition + place.Bytes);
                if (!frames.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out string fault))
                {
                    throw new WeirException(ErrorCode.LogDamaged, $"{plan.Directory}: the frame at offset {place.BaseOffset} was intact and is not any more: {fault}");
                }

                FillHole(log, writer, place.BaseOffset, frame.AppendTimeMs);
                log.Append(batch.ToArray(), place.Records, frame.AppendTimeMs);
                staged += batch.Length;
                if (staged >= WriteEveryBytes)
                {
                    log.Write();
                    staged = 0;
                }
            }
        }
        finally
        {
            file?.Dispose();
        }

        FillHole(log, writer, plan.End, behindMs: 0);
        log.Write();
        log.Flush();
        log.AppendIdleFrame(log.LastAppendTimeMs);
        log.Write();
        log.Flush();
    }

    /// <param name="behindMs">Append time of what lies behind the hole: the hole's, where nothing lies before it.</param>
    private static void FillHole(PartitionLog log, RecordBatchWriter writer, Offset end, long behindMs)
    {
        while (log.LogEnd < end)
        {
            int count = (int)Math.Min(LostPerBatch, end - log.LogEnd);
            log.Append(Marker.WriteLost(writer, count), count, log.LastAppendTimeMs == long.MinValue ? behindMs : log.LastAppendTimeMs);
            log.Write();
        }
    }

    private static void DeleteDirectory(IDisk disk, string directory)
    {
        if (disk.List(Path.GetDirectoryName(directory)!).Contains(Path.GetFileName(directory)))
        {
            foreach (string name in disk.List(directory))
            {
                disk.Delete(Path.Combine(directory, name));
            }

            disk.DeleteDirectory(directory);
        }
    }

    /// <summary>An intact frame: where it lies and what it holds.</summary>
    internal readonly record struct Place(Offset Segment, long FilePosition, int Bytes, Offset BaseOffset, int Records);
}
