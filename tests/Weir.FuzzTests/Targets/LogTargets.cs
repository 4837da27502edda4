using System.Buffers.Binary;
using System.Text;
using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.FuzzTests.Targets;

/// <summary>What the log itself is made of: record batches, frames, segment headers.</summary>
internal static class LogTargets
{
    private const string Path = "/log";

    public static IEnumerable<FuzzTarget> All()
    {
        StoreFiles store = StoreFiles.Make();
        byte[][] segments = [.. store.Of(".log").Select(file => file.Value)];
        yield return new FuzzTarget("record batch", 100, Batches(), ReadBatch) { Repair = RepairBatch, BytesPerByte = 0, FixedBytes = 0 };

        uint seed = store.Identity.FrameSeed;
        var disk = new OneFileDisk(Path);
        var scanner = new FrameScanner(disk, seed, 0, 0);
        yield return new FuzzTarget("frames", 60, segments, input => ReadFrames(disk, scanner, input)) { Repair = input => RepairFrames(input, seed), FixedBytes = (1 << 20) + 1024, BytesPerByte = 0 };

        yield return new FuzzTarget("segment header", 30, [.. segments.Select(segment => segment[..SegmentHeader.Size])], input =>
            SegmentHeader.TryRead(input, store.Identity, out SegmentHeader header, out _, out string fault) ? 1 + Sign(header.PreviousLength) : -fault.Length)
        {
            Repair = static input => Seal(input, SegmentHeader.ChecksumAt),
        };
    }

    /// <summary>Writes the CRC-32C of what stands before it, where there is room for it.</summary>
    internal static void Seal(byte[] input, int checksumAt)
    {
        if (input.Length >= checksumAt + sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(input.AsSpan(checksumAt), Crc32C.Compute(input.AsSpan(0, checksumAt)));
        }
    }

    internal static byte[][] Batches()
    {
        var writer = new RecordBatchWriter();
        var batches = new List<byte[]>();
        byte[] headers = [4, (byte)'i', (byte)'d', 6, (byte)'a', (byte)'b', (byte)'c'];
        for (int records = 0; records < 6; records++)
        {
            writer.Begin(timestampMs: 1_700_000_000_000);
            for (int i = 0; i < records; i++)
            {
                writer.Append(hasKey: i % 2 == 0, "key"u8, Encoding.UTF8.GetBytes($$"""{"user":"u{{i}}","n":{{i}}}"""), i % 3 == 0 ? headers : [], i % 3 == 0 ? 1 : 0);
            }

            batches.Add(writer.Finish().ToArray());
        }

        batches.Add(Marker.Write(writer, MarkerType.Open, """{"version":1,"at":0,"reopened":false,"reason":"declared"}"""u8, 0).ToArray());
        return [.. batches];
    }

    private static int ReadBatch(byte[] input)
    {
        if (!RecordBatch.TryRead(input, out RecordBatch batch))
        {
            return 0;
        }

        int records = 0, headers = 0, bytes = 0;
        RecordBatch.Enumerator all = batch.GetEnumerator();
        while (all.MoveNext())
        {
            Core.Record record = all.Current;
            bytes += batch.Bytes.Slice(record.KeyAt, Math.Max(0, record.KeyLength)).Length + batch.Bytes.Slice(record.ValueAt, Math.Max(0, record.ValueLength)).Length;
            int at = record.HeadersAt;
            for (int i = 0; i < record.HeaderCount; i++)
            {
                if (!Core.Record.TryReadHeader(batch.Bytes, ref at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out _))
                {
                    break;
                }

                headers++;
                bytes += name.Length + value.Length;
            }

            records++;
        }

        // A record takes at least its length: there are never more of them than bytes, whatever the header says.
        Check(records <= input.Length && (all.IsDamaged || records == batch.RecordCount), "more records than bytes, or fewer than declared and no damage");
        return HashCode(batch.HasValidCrc() ? 1 : 0, all.IsDamaged ? 1 : 0, records, Math.Min(headers, 20), Math.Min(bytes, 100) / 10);
    }

    private static void RepairBatch(byte[] input)
    {
        if (input.Length >= RecordBatch.HeaderBytes)
        {
            BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(RecordBatch.LengthAt), input.Length - RecordBatch.LengthAt - sizeof(int));
            BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(RecordBatch.LastOffsetDeltaAt), BinaryPrimitives.ReadInt32BigEndian(input.AsSpan(RecordBatch.RecordCountAt)) - 1);
            BinaryPrimitives.WriteUInt32BigEndian(input.AsSpan(RecordBatch.CrcAt), Crc32C.Compute(input.AsSpan(RecordBatch.AttributesAt)));
        }
    }

    private static int ReadFrames(OneFileDisk disk, FrameScanner scanner, byte[] input)
    {
        // Away and back, so that nothing of the input before is still in the scanner's buffer.
        disk.Bytes = input;
        scanner.MoveTo(disk, long.MaxValue - 1, 0);
        scanner.MoveTo(disk, SegmentHeader.Size, input.Length);
        int frames = 0, gaps = 0, steps = 0;
        while (true)
        {
            Check(++steps <= input.Length + 2, "the scanner does not get on");
            if (scanner.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out string fault))
            {
                frames++;
                Check(frame.TotalBytes <= input.Length && batch.Length == frame.BatchLength, "a frame that is longer than its file");
                if (RecordBatch.TryRead(batch, out RecordBatch parsed))
                {
                    _ = parsed.HasValidCrc();
                }
            }
            else if (fault.Length == 0)
            {
                break;
            }
            else if (scanner.TryResynchronise())
            {
                gaps++;
            }
            else
            {
                return HashCode(1, frames, gaps, fault.Length, 0);
            }
        }

        return HashCode(0, frames, gaps, 0, 0);
    }

    /// <summary>Follows the frames by their lengths and makes each checksum fit, the batch's too.</summary>
    private static void RepairFrames(byte[] input, uint seed)
    {
        int at = SegmentHeader.Size;
        while (at + Frame.HeaderBytes <= input.Length)
        {
            Span<byte> header = input.AsSpan(at);
            int length = BinaryPrimitives.ReadInt32LittleEndian(header[Frame.BatchLengthAt..]);
            int covered = length == 0 ? 0 : RecordBatch.UncoveredBytes;
            if (header.Length < Frame.HeaderBytes + covered)
            {
                return;
            }

            uint register = Crc32C.Append(Crc32C.Append(seed, header[..Frame.ChecksumAt]), header[Frame.PreviousAt..(Frame.HeaderBytes + covered)]);
            BinaryPrimitives.WriteUInt32LittleEndian(header[Frame.ChecksumAt..], ~register);
            if (length < 0 || length > header.Length - Frame.HeaderBytes)
            {
                return;
            }

            at += Frame.HeaderBytes + length;
        }
    }

    internal static void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new DisagreementException(otherwise);
        }
    }

    /// <summary>Several small numbers as one, the same in every run.</summary>
    internal static int HashCode(int a, int b, int c, int d, int e) => unchecked(((((((a * 31) + b) * 31) + c) * 31) + d) * 31 + e);

    private static int Sign(long value) => Math.Sign(value) + 1;
}
