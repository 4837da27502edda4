using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Tests;

/// <summary>A partition directory of its own on the real disk, deleted at the end, and batches whose content follows from their number.</summary>
internal sealed class TestLog : IDisposable
{
    public static readonly LogIdentity Identity = new(Guid.Parse("5f0c2a44-9e1b-4c52-8d3e-0123456789ab"), Partition: 3);

    private readonly RecordBatchWriter _writer = new();

    public TestLog(IDisk? disk = null, string? directory = null)
    {
        Disk = disk ?? LinuxDisk.Instance;
        Directory = directory ?? Path.Combine(Path.GetTempPath(), "weir-storage-tests", Guid.NewGuid().ToString("N"));
    }

    public IDisk Disk { get; }

    public string Directory { get; }

    public LogOptions Options { get; init; } = new() { SegmentBytes = 4_000, IndexIntervalBytes = 256 };

    public Offset FirstOffset { get; init; } = Offset.Zero;

    public PartitionLog Open() => Open(out _);

    public PartitionLog Open(out RecoveryReport report) => PartitionLog.Open(Disk, Directory, Identity, Options, FirstOffset, out report);

    /// <summary>Append, write and flush <paramref name="batches"/> batches, each in a round of its own; batch n has 1 + n % 3 records.</summary>
    public void AppendRounds(PartitionLog log, int batches)
    {
        for (int i = 0; i < batches; i++)
        {
            Append(log);
            log.Write();
            log.Flush();
        }
    }

    /// <summary>Appends one batch whose records are their own offsets.</summary>
    public Offset Append(PartitionLog log)
    {
        Span<byte> batch = Batch(log.LogEnd, 1 + (int)(log.LogEnd.Value % 3));
        return log.Append(batch, 1 + (int)(log.LogEnd.Value % 3), appendTimeMs: 1_000 + (log.LogEnd - FirstOffset));
    }

    public Span<byte> Batch(Offset first, int records)
    {
        _writer.Begin(timestampMs: 7);
        Span<byte> value = stackalloc byte[40];
        for (int i = 0; i < records; i++)
        {
            value.Fill((byte)'x');
            BinaryPrimitives.WriteInt64BigEndian(value, (first + i).Value);
            _writer.Append(hasKey: false, default, value);
        }

        return _writer.Finish();
    }

    /// <summary>Reads everything from <paramref name="from"/> on, checks that each record is its offset, and returns the end.</summary>
    public static Offset ReadAll(PartitionLog log, Offset from)
    {
        using LogReader reader = log.OpenReader(from);
        Offset next = from;
        while (reader.TryReadNext(out StoredBatch stored))
        {
            Assert.True(stored.BaseOffset <= next && next < stored.End);
            next = Check(stored);
        }

        return next;
    }

    /// <summary>Every record of the batch holds its own offset; returns the batch's end.</summary>
    public static Offset Check(StoredBatch stored)
    {
        Assert.True(RecordBatch.TryRead(stored.Bytes, out RecordBatch batch));
        Assert.Equal(stored.BaseOffset, batch.BaseOffset);
        foreach (Core.Record record in batch)
        {
            long number = BinaryPrimitives.ReadInt64BigEndian(stored.Bytes.Slice(record.ValueAt, record.ValueLength));
            Assert.Equal(stored.BaseOffset + record.OffsetDelta, new Offset(number));
        }

        return stored.End;
    }

    public string[] Files(string suffix) => [.. Disk.List(Directory).Where(name => name.EndsWith(suffix, StringComparison.Ordinal)).Select(name => Path.Combine(Directory, name))];

    public void Dispose()
    {
        if (Disk is LinuxDisk && System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
