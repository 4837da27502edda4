using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.Storage.Verdicts;

namespace Weir.Storage;

/// <summary>
/// Reads the verdicts of a log range after range and keeps the block read last: what is decided stays as it is, so neighbours cost one read and one
/// checksum together. Belongs to one thread at a time; the log may be appended to meanwhile.
/// </summary>
public sealed class VerdictReader
{
    private byte[] _block = [];
    private Offset _segmentBase;
    private Offset _blockStart;
    private int _known;

    /// <param name="verdicts">What is read from.</param>
    public VerdictReader(VerdictLog verdicts) => Verdicts = verdicts;

    /// <summary>What is read from.</summary>
    public VerdictLog Verdicts { get; }

    /// <summary>Reads the verdicts from <paramref name="first"/> on.</summary>
    /// <param name="verdicts">Filled whole; <see cref="VerdictLog.Unknown"/> where there is none.</param>
    /// <param name="replaced">Empty, or as long as <paramref name="verdicts"/>; as they were appended, and 0 where the verdict is unknown.</param>
    public void Read(Offset first, Span<byte> verdicts, Span<long> replaced)
    {
        verdicts.Fill(VerdictLog.Unknown);
        replaced.Clear();
        Segment[] segments = Verdicts.SegmentList;
        Offset end = first + verdicts.Length;
        for (int n = 0; n < segments.Length; n++)
        {
            Offset segmentBase = segments[n].BaseOffset;
            Offset from = Max(first, segmentBase);
            Offset to = n + 1 < segments.Length ? Min(end, segments[n + 1].BaseOffset) : end;
            while (from < to)
            {
                long number = (from - segmentBase) / VerdictFormat.BlockRecords;
                Offset start = segmentBase + (number * VerdictFormat.BlockRecords);
                Offset stop = Min(to, start + VerdictFormat.BlockRecords);
                Load(segmentBase, number, start, wanted: (int)(stop - start));
                int available = (int)Math.Min(stop - start, _known);
                for (int i = (int)(from - start); i < available; i++)
                {
                    int at = (int)(start + i - first);
                    verdicts[at] = _block[i];
                    if (Verdicts.WithReplaced && !replaced.IsEmpty)
                    {
                        replaced[at] = BinaryPrimitives.ReadInt64LittleEndian(_block.AsSpan(VerdictFormat.BlockRecords + (i * sizeof(long))));
                    }
                }

                from = stop;
            }
        }
    }

    private void Load(Offset segmentBase, long number, Offset start, int wanted)
    {
        if (_known >= wanted && _segmentBase == segmentBase && _blockStart == start)
        {
            return;
        }

        if (_block.Length == 0)
        {
            _block = new byte[VerdictFormat.BlockBytes(Verdicts.WithReplaced)];
        }

        _known = Verdicts.LoadBlock(segmentBase, number, start, _block);
        _segmentBase = segmentBase;
        _blockStart = start;
    }

    private static Offset Max(Offset a, Offset b) => a > b ? a : b;

    private static Offset Min(Offset a, Offset b) => a < b ? a : b;
}
