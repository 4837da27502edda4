using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Segments;

/// <summary>One place of a sparse index: the frame that begins at <see cref="FilePosition"/>.</summary>
internal readonly record struct IndexPlace(Offset BaseOffset, long AppendTimeMs, long FilePosition);

/// <summary>
/// The sparse index of one segment: where frames begin, about one per LogOptions.IndexIntervalBytes. The active segment's
/// is in memory only and comes out of recovery's scan; it is written once, when the segment is sealed (docs/internals/index.md).
/// Derived: a file that is missing or does not check out is made anew from the segment.
/// <code>
///  0  magic           8 bytes  "weir.idx"
///  8  format version  uint32   1
/// 12  uuid, partition 20 bytes LogIdentity
/// 32  base offset     int64    of the segment
/// 40  segment length  int64    bytes of the segment that belong to the log
/// 48  count           int32    places
/// 52  places          24 bytes each: base offset, append time, file position, int64 each, ascending
///  …  checksum        uint32   CRC-32C of everything before
/// </code>
/// Appended to by the log's owner, read by readers: both under one lock, which neither holds for longer than a binary search.
/// </summary>
internal sealed class SegmentIndex
{
    public const uint FormatVersion = 1;
    public const int IdentityAt = 12;
    public const int BaseOffsetAt = IdentityAt + LogIdentity.Size;
    public const int SegmentLengthAt = BaseOffsetAt + sizeof(long);
    public const int CountAt = SegmentLengthAt + sizeof(long);
    public const int PlacesAt = CountAt + sizeof(int);
    public const int PlaceBytes = 3 * sizeof(long);

    private readonly Lock _lock = new();
    private readonly List<IndexPlace> _places = [];
    private readonly int _intervalBytes;

    /// <param name="intervalBytes">Distance in the file between places.</param>
    public SegmentIndex(int intervalBytes) => _intervalBytes = intervalBytes;

    public static ReadOnlySpan<byte> Magic => "weir.idx"u8;

    /// <summary>Called for every frame with records, in order; keeps the first and then one per interval.</summary>
    /// <param name="always">Keeps this one whatever the distance: the first intact frame after damage must be reachable.</param>
    public void Add(Offset baseOffset, long appendTimeMs, long filePosition, bool always)
    {
        lock (_lock)
        {
            if (always || _places.Count == 0 || filePosition - _places[^1].FilePosition >= _intervalBytes)
            {
                _places.Add(new IndexPlace(baseOffset, appendTimeMs, filePosition));
            }
        }
    }

    /// <summary>All places, ascending: for the offline check.</summary>
    public IndexPlace[] Places()
    {
        lock (_lock)
        {
            return [.. _places];
        }
    }

    /// <summary>Forgets the places at and after a file position that the segment no longer reaches to.</summary>
    public void RemoveFrom(long filePosition)
    {
        lock (_lock)
        {
            _places.RemoveAll(place => place.FilePosition >= filePosition);
        }
    }

    /// <summary>The last place at or before <paramref name="offset"/>; null when the segment begins after it.</summary>
    public IndexPlace? Find(Offset offset) => LastWhere(place => place.BaseOffset <= offset);

    /// <summary>The last place whose append time is below <paramref name="appendTimeMs"/>; null when there is none.</summary>
    public IndexPlace? FindTime(long appendTimeMs) => LastWhere(place => place.AppendTimeMs < appendTimeMs);

    public byte[] ToBytes(LogIdentity identity, Offset baseOffset, long segmentLength)
    {
        lock (_lock)
        {
            byte[] bytes = new byte[PlacesAt + (_places.Count * PlaceBytes) + sizeof(uint)];
            Magic.CopyTo(bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), FormatVersion);
            identity.Write(bytes.AsSpan(IdentityAt));
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(BaseOffsetAt), baseOffset.Value);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SegmentLengthAt), segmentLength);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(CountAt), _places.Count);
            Span<byte> rest = bytes.AsSpan(PlacesAt);
            foreach (IndexPlace place in _places)
            {
                BinaryPrimitives.WriteInt64LittleEndian(rest, place.BaseOffset.Value);
                BinaryPrimitives.WriteInt64LittleEndian(rest[8..], place.AppendTimeMs);
                BinaryPrimitives.WriteInt64LittleEndian(rest[16..], place.FilePosition);
                rest = rest[PlaceBytes..];
            }

            BinaryPrimitives.WriteUInt32LittleEndian(rest, Crc32C.Compute(bytes.AsSpan(0, bytes.Length - sizeof(uint))));
            return bytes;
        }
    }

    /// <returns>Null when the bytes are not an intact index of exactly this segment at this length.</returns>
    public static SegmentIndex? TryRead(ReadOnlySpan<byte> bytes, LogIdentity identity, Offset baseOffset, long segmentLength, int intervalBytes)
    {
        if (bytes.Length < PlacesAt + sizeof(uint) || !bytes.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != FormatVersion
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^sizeof(uint)..]) != Crc32C.Compute(bytes[..^sizeof(uint)])
            || LogIdentity.Read(bytes[IdentityAt..]) != identity
            || BinaryPrimitives.ReadInt64LittleEndian(bytes[BaseOffsetAt..]) != baseOffset.Value
            || BinaryPrimitives.ReadInt64LittleEndian(bytes[SegmentLengthAt..]) != segmentLength
            || BinaryPrimitives.ReadInt32LittleEndian(bytes[CountAt..]) != (bytes.Length - PlacesAt - sizeof(uint)) / PlaceBytes)
        {
            return null;
        }

        var index = new SegmentIndex(intervalBytes);
        for (ReadOnlySpan<byte> rest = bytes[PlacesAt..^sizeof(uint)]; rest.Length >= PlaceBytes; rest = rest[PlaceBytes..])
        {
            index._places.Add(new IndexPlace(
                new Offset(BinaryPrimitives.ReadInt64LittleEndian(rest)),
                BinaryPrimitives.ReadInt64LittleEndian(rest[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(rest[16..])));
        }

        return index;
    }

    private IndexPlace? LastWhere(Predicate<IndexPlace> condition)
    {
        lock (_lock)
        {
            int low = 0, high = _places.Count;
            while (low < high)
            {
                int middle = low + ((high - low) / 2);
                if (condition(_places[middle]))
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            return low == 0 ? null : _places[low - 1];
        }
    }
}
