using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Segments;

/// <summary>
/// What the log knows of one segment file. Sealed segments never change; of the active one the owner moves
/// <see cref="ReadableLength"/>. Readers open the file themselves.
/// </summary>
internal sealed class Segment
{
    private long _readableLength;
    private volatile SegmentIndex? _index;

    /// <param name="headerChecksum">What the first frame carries as its previous checksum.</param>
    /// <param name="readableLength">Bytes that readers may read: the sealed length, or what has been flushed.</param>
    /// <param name="index">Null: read from its file, or made anew, when first needed.</param>
    public Segment(string path, SegmentHeader header, uint headerChecksum, long readableLength, SegmentIndex? index)
    {
        Path = path;
        Header = header;
        HeaderChecksum = headerChecksum;
        _readableLength = readableLength;
        _index = index;
    }

    public string Path { get; }

    public SegmentHeader Header { get; }

    public uint HeaderChecksum { get; }

    public Offset BaseOffset => Header.BaseOffset;

    /// <summary>Release: set before PartitionLog.FlushedEnd, so a reader that saw the end finds its bytes below this.</summary>
    public long ReadableLength
    {
        get => Volatile.Read(ref _readableLength);
        set => Volatile.Write(ref _readableLength, value);
    }

    /// <summary>
    /// The index: in memory, from its file, or made anew from the segment. 24 bytes per interval stay in memory once read.
    /// Two readers may load it at once; both results are the same and one stays.
    /// </summary>
    public SegmentIndex GetIndex(IDisk disk, LogOptions options)
    {
        if (_index is { } known)
        {
            return known;
        }

        long length = ReadableLength;
        SegmentIndex index = ReadIndexFile(disk, length, options.IndexIntervalBytes) ?? Scan(disk, length, options.IndexIntervalBytes);
        _index = index;
        return index;
    }

    private SegmentIndex? ReadIndexFile(IDisk disk, long length, int intervalBytes)
    {
        string path = System.IO.Path.ChangeExtension(Path, LogFiles.Index);
        try
        {
            if (!disk.FileExists(path))
            {
                return null;
            }

            using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
            // More places than frames fit cannot be; the bound keeps a damaged file from deciding how much memory is taken.
            long most = SegmentIndex.PlacesAt + sizeof(uint) + ((length / (Frame.HeaderBytes + RecordBatch.HeaderBytes)) * SegmentIndex.PlaceBytes);
            byte[] bytes = new byte[Math.Min(file.Length, most)];
            return SegmentIndex.TryRead(bytes.AsSpan(0, file.Read(0, bytes)), Header.Identity, BaseOffset, length, intervalBytes);
        }
        catch (DiskException)
        {
            // Derived: an index that cannot be read is made anew.
            return null;
        }
    }

    private SegmentIndex Scan(IDisk disk, long length, int intervalBytes)
    {
        var index = new SegmentIndex(intervalBytes);
        using IDiskFile file = disk.OpenFile(Path, FileOpen.Read);
        var frames = new FrameScanner(file, Header.Identity.FrameSeed, SegmentHeader.Size, length);
        bool afterDamage = false;
        do
        {
            while (frames.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out _))
            {
                if (!frame.IsIdle)
                {
                    var baseOffset = new Offset(BinaryPrimitives.ReadInt64BigEndian(batch));
                    index.Add(baseOffset, frame.AppendTimeMs, frames.FramePosition, always: afterDamage);
                    afterDamage = false;
                }
            }

            afterDamage = true;
        }
        while (frames.TryResynchronise());

        return index;
    }
}
