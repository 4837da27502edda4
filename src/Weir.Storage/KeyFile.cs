using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>
/// Which records of a sealed segment carry a 64-bit hash (of an owner or an id): written once by <see cref="KeyFileWriter"/>, searched by
/// receipts (docs/internals/keys-file.md). Derived; a hash is a hint, the caller compares the record itself. Little-endian.
/// <code>
///  0  magic           8 bytes  "weir.key"
///  8  format version  uint32   1
/// 12  uuid, partition 20 bytes LogIdentity
/// 32  base offset     int64    of the segment
/// 40  count           int64    pairs
/// 48  records         int64    of the segment: a file made when it had fewer or more is none of it
/// 56  reserved        4 bytes  zero
/// 60  checksum        uint32   CRC-32C of bytes 0..59
///
/// block n, 4096 bytes, 341 pairs, in ascending order of hash over all blocks:
///   hash      uint64   then
///   record    uint32   offset minus base offset, 12 bytes a pair; unused pairs at the end of the last block are zero
///   checksum  uint32   CRC-32C, register started from n, of the block before it
/// </code>
/// Hashes are spread evenly, so the block that holds one is found by interpolation: one or two reads of 4 KiB.
/// Any thread may use one; reads only.
/// </summary>
public sealed class KeyFile : IDisposable
{
    public const uint FormatVersion = 1;
    public const int IdentityAt = 12;
    public const int BaseOffsetAt = IdentityAt + LogIdentity.Size;
    public const int CountAt = BaseOffsetAt + sizeof(long);
    public const int RecordsAt = CountAt + sizeof(long);
    public const int ChecksumAt = 60;
    public const int HeaderBytes = ChecksumAt + sizeof(uint);
    public const int PairBytes = sizeof(ulong) + sizeof(uint);
    public const int BlockBytes = 4096;
    public const int PairsPerBlock = (BlockBytes - sizeof(uint)) / PairBytes;

    private readonly IDiskFile _file;
    private readonly Offset _baseOffset;
    private readonly long _records;

    private KeyFile(IDiskFile file, Offset baseOffset, long count, long records)
    {
        _file = file;
        _baseOffset = baseOffset;
        _records = records;
        Count = count;
    }

    /// <summary>Pairs in the file.</summary>
    public long Count { get; }

    public static ReadOnlySpan<byte> Magic => "weir.key"u8;

    /// <param name="records">How many records the segment holds.</param>
    /// <returns>Null when the file is missing or is not an intact key file of this segment: read the segment instead, or write it anew.</returns>
    public static KeyFile? TryOpen(IDisk disk, string directory, LogIdentity identity, Offset baseOffset, long records)
    {
        string path = LogFiles.At(directory, baseOffset, LogFiles.Keys);
        IDiskFile? file = null;
        try
        {
            if (!disk.FileExists(path))
            {
                return null;
            }

            file = disk.OpenFile(path, FileOpen.Read);
            Span<byte> header = stackalloc byte[HeaderBytes];
            if (file.Read(0, header) < HeaderBytes || !header.StartsWith(Magic)
                || BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) != FormatVersion
                || LogIdentity.Read(header[IdentityAt..]) != identity
                || BinaryPrimitives.ReadInt64LittleEndian(header[BaseOffsetAt..]) != baseOffset.Value
                || BinaryPrimitives.ReadInt64LittleEndian(header[RecordsAt..]) != records
                || BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumAt..]) != Crc32C.Compute(header[..ChecksumAt]))
            {
                return null;
            }

            long count = BinaryPrimitives.ReadInt64LittleEndian(header[CountAt..]);
            if (count < 0 || count > file.Length || file.Length != HeaderBytes + (BlocksOf(count) * BlockBytes))
            {
                return null;
            }

            var keys = new KeyFile(file, baseOffset, count, records);
            file = null;
            return keys;
        }
        catch (DiskException)
        {
            return null;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Adds the offsets of the records with this hash, ascending.</summary>
    /// <returns>False when a block that had to be read is damaged; nothing was added. Read the segment instead.</returns>
    public bool TryFind(ulong hash, ICollection<Offset> offsets)
    {
        byte[] block = new byte[BlockBytes];
        if (!TryFindBlock(hash, block, out long number))
        {
            return false;
        }

        var records = new List<uint>();
        for (bool goOn = true; goOn && number < BlocksOf(Count); number++)
        {
            if (!TryReadBlock(number, block))
            {
                return false;
            }

            int pairs = PairsIn(number);
            for (int i = 0; i < pairs; i++)
            {
                if (HashAt(block, i) == hash)
                {
                    records.Add(BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan((i * PairBytes) + sizeof(ulong))));
                }
            }

            goOn = HashAt(block, pairs - 1) == hash;
        }

        records.Sort();
        foreach (uint record in records)
        {
            offsets.Add(_baseOffset + record);
        }

        return true;
    }

    /// <summary>Reads every block: checksums, ascending hashes, records that the segment has. For the offline check.</summary>
    internal bool IsIntact()
    {
        byte[] block = new byte[BlockBytes];
        ulong last = 0;
        for (long number = 0; number < BlocksOf(Count); number++)
        {
            if (!TryReadBlock(number, block))
            {
                return false;
            }

            for (int i = 0; i < PairsIn(number); i++)
            {
                if (HashAt(block, i) < last || BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan((i * PairBytes) + sizeof(ulong))) >= _records)
                {
                    return false;
                }

                last = HashAt(block, i);
            }
        }

        return true;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The first block whose last hash is at least <paramref name="hash"/>; the number of blocks when there is none.</summary>
    private bool TryFindBlock(ulong hash, byte[] block, out long number)
    {
        const int Interpolations = 3; // then halving, so that hashes that are not spread evenly cost no more than log2 reads
        long low = 0, high = BlocksOf(Count);
        ulong lowHash = 0, highHash = ulong.MaxValue;
        for (int step = 0; low < high; step++)
        {
            double share = step < Interpolations && highHash > lowHash ? (hash - lowHash) / (double)(highHash - lowHash) : 0.5;
            long middle = Math.Clamp(low + (long)(share * (high - low)), low, high - 1);
            if (!TryReadBlock(middle, block))
            {
                number = 0;
                return false;
            }

            ulong first = HashAt(block, 0), last = HashAt(block, PairsIn(middle) - 1);
            if (last < hash)
            {
                (low, lowHash) = (middle + 1, last);
            }
            else if (first < hash)
            {
                low = high = middle;
            }
            else
            {
                (high, highHash) = (middle, first);
            }
        }

        number = low;
        return true;
    }

    private bool TryReadBlock(long number, byte[] block)
    {
        try
        {
            return _file.Read(HeaderBytes + (number * BlockBytes), block) == BlockBytes
                && BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(BlockBytes - sizeof(uint))) == BlockChecksum(block, (uint)number);
        }
        catch (DiskException)
        {
            return false;
        }
    }

    private int PairsIn(long number) => (int)Math.Min(PairsPerBlock, Count - (number * PairsPerBlock));

    private static long BlocksOf(long count) => (count + PairsPerBlock - 1) / PairsPerBlock;

    private static ulong HashAt(byte[] block, int pair) => BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(pair * PairBytes));

    internal static uint BlockChecksum(ReadOnlySpan<byte> block, uint number) => ~Crc32C.Append(~number, block[..^sizeof(uint)]);
}
