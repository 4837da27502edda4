namespace Weir.Recount;

/// <summary>A set of a partition's offsets, one bit each: 125 MB for a billion records. In pieces, so that no array outgrows its limit.</summary>
internal sealed class OffsetSet
{
    private const int PieceBits = 1 << 26;

    private readonly ulong[][] _pieces;

    /// <param name="end">Exclusive.</param>
    public OffsetSet(long end)
    {
        _pieces = new ulong[(int)((end + PieceBits - 1) / PieceBits)][];
        for (int i = 0; i < _pieces.Length; i++)
        {
            _pieces[i] = new ulong[PieceBits / 64];
        }
    }

    public void Add(long offset) => Word(offset) |= 1UL << (int)(offset % 64);

    public bool Contains(long offset) => (Word(offset) & (1UL << (int)(offset % 64))) != 0;

    private ref ulong Word(long offset) => ref _pieces[offset / PieceBits][offset % PieceBits / 64];
}
