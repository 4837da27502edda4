namespace Weir.Recount;

/// <summary>A set of a partition's offsets, one bit each: 125 MB for a billion records. In pieces, so that no array outgrows its limit.</summary>
internal sealed class OffsetSet
{
    private const int PieceBits = 1 << 26;

    private readonly long _start;
    private readonly ulong[][] _pieces;

    /// <param name="start">The first.</param>
    /// <param name="end">Exclusive.</param>
    public OffsetSet(long start, long end)
    {
        _start = start;
        _pieces = new ulong[(int)((end - start + PieceBits - 1) / PieceBits)][];
        for (int i = 0; i < _pieces.Length; i++)
        {
            long bits = Math.Min(end - start - ((long)i * PieceBits), PieceBits);
            _pieces[i] = new ulong[(bits + 63) / 64];
        }
    }

    public void Add(long offset) => Word(offset - _start) |= 1UL << (int)((offset - _start) % 64);

    public bool Contains(long offset) => (Word(offset - _start) & (1UL << (int)((offset - _start) % 64))) != 0;

    private ref ulong Word(long bit) => ref _pieces[bit / PieceBits][bit % PieceBits / 64];
}
