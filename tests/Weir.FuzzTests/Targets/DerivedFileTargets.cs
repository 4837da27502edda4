using System.Buffers.Binary;
using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Recount;
using Weir.Sql;
using Weir.Storage;
using Weir.Storage.Segments;
using Weir.Storage.Snapshots;
using Weir.Storage.Verdicts;
using static Weir.FuzzTests.Targets.LogTargets;

namespace Weir.FuzzTests.Targets;

/// <summary>Files that are made from the log, and the definitions beside it. With checksums made right, so that the readers behind them are reached.</summary>
internal static class DerivedFileTargets
{
    public static IEnumerable<FuzzTarget> All()
    {
        StoreFiles store = StoreFiles.Make();
        PartitionLog log = store.OpenLog();
        yield return Index(store, log);
        yield return Keys(store, log);
        yield return Verdicts(store, log);
        yield return Snapshots(store);
        yield return Bases(store, log);
        yield return new FuzzTarget("view section", 40, [ViewSectionOf(store)], ReadViewSection) { BytesPerByte = 512, FixedBytes = 128 << 10 };
        yield return Definitions();
    }

    private static FuzzTarget Index(StoreFiles store, PartitionLog log)
    {
        (string path, byte[] bytes) = store.Of(".index")[0];
        Offset first = StoreFiles.OffsetOf(path);
        long length = log.Segments.Single(segment => segment.BaseOffset == first).Bytes;
        return new FuzzTarget("index", 40, [bytes], input =>
        {
            SegmentIndex? index = SegmentIndex.TryRead(input, store.Identity, first, length, 256);
            _ = index?.Find(first + 3);
            _ = index?.FindTime(1);
            return index?.Places().Length ?? -1;
        })
        {
            Repair = static input => Seal(input, Math.Max(0, input.Length - sizeof(uint))),
        };
    }

    private static FuzzTarget Keys(StoreFiles store, PartitionLog log)
    {
        (string path, byte[] bytes) = store.Of(".keys")[0];
        Offset first = StoreFiles.OffsetOf(path);
        SegmentInfo segment = log.Segments.Single(segment => segment.BaseOffset == first);
        long records = segment.End - first;
        var disk = new OneFileDisk(path);
        ulong known = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(KeyFile.HeaderBytes));
        return new FuzzTarget("key file", 40, [bytes], input =>
        {
            disk.Bytes = input;
            using KeyFile? keys = KeyFile.TryOpen(disk, store.Directory, store.Identity, first, records);
            if (keys is null)
            {
                return -1;
            }

            var found = new List<Offset>();
            bool isReadable = keys.TryFind(known, found) && keys.TryFind(ulong.MaxValue, found) && keys.TryFind(0, found);
            return HashCode(isReadable ? 1 : 0, keys.IsIntact() ? 1 : 0, Math.Min(found.Count, 10), (int)Math.Min(keys.Count, 1_000), 0);
        })
        {
            Repair = static input =>
            {
                Seal(input, KeyFile.ChecksumAt);
                for (int block = 0, at = KeyFile.HeaderBytes; at + KeyFile.BlockBytes <= input.Length; block++, at += KeyFile.BlockBytes)
                {
                    Span<byte> bytes = input.AsSpan(at, KeyFile.BlockBytes);
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes[^sizeof(uint)..], KeyFile.BlockChecksum(bytes, (uint)block));
                }
            },
        };
    }

    private static FuzzTarget Verdicts(StoreFiles store, PartitionLog log)
    {
        (string path, byte[] bytes) = store.Of(".verdicts")[0];
        Offset first = StoreFiles.OffsetOf(path);
        Offset end = log.Segments.Single(segment => segment.BaseOffset == first).End;
        var disk = new OneFileDisk(path);
        return new FuzzTarget("verdicts", 20, [bytes], input =>
        {
            disk.Bytes = input;
            return VerdictLog.FindGap(disk, log, withReplaced: false, end) is { } gap ? (int)(gap - first) : -1;
        })
        {
            Repair = input =>
            {
                Seal(input, VerdictFormat.ChecksumAt);
                int size = VerdictFormat.BlockBytes(withReplaced: false);
                for (int at = VerdictFormat.HeaderBytes; at + size <= input.Length; at += size)
                {
                    Span<byte> block = input.AsSpan(at, size);
                    VerdictFormat.SealBlock(block, BinaryPrimitives.ReadInt32LittleEndian(block[^8..]), first + ((at - VerdictFormat.HeaderBytes) / size * VerdictFormat.BlockRecords));
                }
            },
        };
    }

    private static FuzzTarget Snapshots(StoreFiles store)
    {
        (string path, byte[] bytes) = store.Of(".snapshot")[^1];
        var disk = new OneFileDisk(path);
        StreamDefinition definition = StreamDefinition.Parse(Encoding.UTF8.GetBytes(StoreFiles.Definition));
        return new FuzzTarget("snapshot", 10, [bytes], input =>
        {
            disk.Bytes = input;
            if (!SnapshotReader.TryOpen(disk, store.Directory, store.Identity, Offset.Zero, new Offset(long.MaxValue), out SnapshotReader? reader, out _))
            {
                return -1;
            }

            using (reader)
            {
                using var admission = new Engine.Admission(definition, 0);
                try
                {
                    return SnapshotState.Load(reader, admission).Count;
                }
                catch (InvariantException)
                {
                    return -2;
                }
            }
        })
        {
            Repair = RepairSnapshot,
            FixedBytes = 1 << 20,
        };
    }

    private static FuzzTarget Bases(StoreFiles store, PartitionLog log)
    {
        (string path, byte[] bytes) = store.Of(".snapshot")[^1];
        var disk = new OneFileDisk(System.IO.Path.ChangeExtension(path, ".base"));
        ViewShape shape = ViewQuery.Parse(StoreFiles.Sql).Check();
        var owners = new Owners();
        return new FuzzTarget("base", 10, [bytes], input =>
        {
            disk.Bytes = input;
            using BaseState state = BaseState.Open(disk, log);
            owners.Clear(expected: 1_000, memoryBytes: 1 << 20);
            var tally = new ViewTally(shape, keepWindows: 100);
            var admission = new Recount.Admission(state.Rules, static _ => { }, 0, 1, owners, owners, state);
            bool fits = state.TryLoadOwners(owners, admission);
            state.LoadView(store.ViewSection, tally, partition: 0);
            return fits ? 1 : 0;
        })
        {
            Repair = RepairSnapshot,
            FixedBytes = 2 << 20,
            BytesPerByte = 512,
        };
    }

    private static void RepairSnapshot(byte[] input)
    {
        Seal(input, SnapshotFormat.ChecksumAt);
        if (input.Length < SnapshotFormat.HeaderBytes)
        {
            return;
        }

        uint previous = BinaryPrimitives.ReadUInt32LittleEndian(input.AsSpan(SnapshotFormat.ChecksumAt));
        int at = SnapshotFormat.HeaderBytes;
        while (at + SnapshotFormat.BlockHeaderBytes <= input.Length)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(input.AsSpan(at + 4));
            int room = input.Length - at - SnapshotFormat.BlockHeaderBytes;
            if (length < 0)
            {
                // Left as it is, for the reader to refuse; nothing behind it can be reached.
                uint impossible = SnapshotFormat.BlockChecksum(input.AsSpan(at, 8), [], previous);
                BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(at + 8), impossible);
                return;
            }

            if (length > room)
            {
                // The block takes what is left: its content was cut or grew.
                length = room;
                BinaryPrimitives.WriteInt32LittleEndian(input.AsSpan(at + 4), length);
            }

            Span<byte> block = input.AsSpan(at, SnapshotFormat.BlockHeaderBytes + length);
            previous = SnapshotFormat.BlockChecksum(block[..8], block[SnapshotFormat.BlockHeaderBytes..], previous);
            BinaryPrimitives.WriteUInt32LittleEndian(block[8..], previous);
            at += block.Length;
        }
    }

    private static byte[] ViewSectionOf(StoreFiles store)
    {
        (string path, byte[] bytes) = store.Of(".snapshot")[^1];
        var disk = new OneFileDisk(path) { Bytes = bytes };
        Assert.True(SnapshotReader.TryOpen(disk, store.Directory, store.Identity, Offset.Zero, new Offset(long.MaxValue), out SnapshotReader? reader, out _));
        using var admission = new Engine.Admission(StreamDefinition.Parse(Encoding.UTF8.GetBytes(StoreFiles.Definition)), 0);
        return SnapshotState.Load(reader, admission)[store.ViewSection];
    }

    private static readonly ViewPlan Plan = PlanOf(StoreFiles.Sql);

    private static ViewPlan PlanOf(string sql)
    {
        ViewShape shape = ViewQuery.Parse(sql).Check();
        return ViewPlan.Compile(new ViewDefinition(sql), shape, ColumnSet.Empty.With(shape.RecordColumns), keepsLast: false);
    }

    private static int ReadViewSection(byte[] input)
    {
        try
        {
            return PartialView.ReadFrom(input, Plan, partition: 0, hashSeed: 1) is { } partial ? (int)Math.Min(partial.ErrorCount, 100) : -1;
        }
        catch (InvariantException)
        {
            return -2;
        }
    }

    private static FuzzTarget Definitions()
    {
        byte[][] corpus =
        [
            .. ((string[])
            [
                StoreFiles.Definition,
                """{"partitions":4,"partitioner":"crc32","key":["user","at[0].b"],"id":"id","claim":{"by":["user"],"keep":"last"},"delivery":"exactly-once","opens":"2026-01-01T00:00:00Z","closes":"2026-02-01T00:00:00+01:00","grace":"1s","fields":{"amount":"decimal(18,2)","ok":"boolean"},"on-invalid":"dead-letter","limits":{"event_bytes":1000,"id_bytes":512,"key_bytes":1024,"depth":64,"state_bytes":1000000}}""",
                """{"key":"user","remember":1000,"id":"id","retention":"7d"}""",
                """{"sql":"SELECT count(*) FROM votes","keep_windows":10}""",
                """{"version":1,"definition":{"key":"user"},"secret":"000102030405060708090a0b0c0d0e0f"}""",
                """{"version":1,"at":1700000000000,"reopened":true,"reason":"requested"}""",
                """{"name":"votes","id":"0f8fad5b-d9cb-469f-a165-70867728950e","secret":"000102030405060708090a0b0c0d0e0f","version":3,"definition":{"key":"user"}}""",
                """{"name":"results","version":2,"definition":{"sql":"SELECT count(*) FROM votes"}}""",
            ]).Select(Encoding.UTF8.GetBytes),
        ];
        return new FuzzTarget("definitions", 40, corpus, static input =>
        {
            Func<byte[], int>[] readers =
            [
                static json => StreamDefinition.Parse(json).Partitions,
                static json => ViewDefinition.Parse(json).Sql.Length,
                static json => StoredStream.Parse(json, "definition.json").Name.Length,
                static json => StoredView.Parse("results", json).Version,
                static json => MarkerJson.ReadDefine(json).Partitions,
                static json => MarkerJson.ReadOpen(json).IsReopening ? 1 : 0,
                static json => StreamRules.Read(json).Key.Count,
            ];
            int outcome = 0;
            foreach (Func<byte[], int> read in readers)
            {
                try
                {
                    outcome = HashCode(outcome, Math.Min(read(input), 100), 0, 0, 0);
                }
                catch (WeirException refused)
                {
                    outcome = HashCode(outcome, (int)refused.Code, 0, 0, 1);
                }
                catch (InvariantException)
                {
                    outcome = HashCode(outcome, 0, 0, 0, 2);
                }
            }

            return outcome;
        })
        {
            Dictionary = TextTargets.Words("partitions", "key", "id", "claim", "\"by\"", "keep", "\"last\"", "limits", "depth", "retention", "decimal(18,2)", "\"7d\"", "null", "true", "{}", "[]", "\"\\ud800\"", "\"\"", "version", "1e400", "sql"),
            FixedBytes = 128 << 10,
            BytesPerByte = 2_048,
        };
    }
}
