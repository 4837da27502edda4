using System.Runtime.InteropServices;

namespace Weir.Engine;

/// <summary>
/// One owner or identity, 24 bytes, the same in memory and in snapshots (little-endian):
/// <code>
///  0  hash, low 64 bits
///  8  hash, high 32 bits
/// 12  identity print, 24 bits, and the payload print's low 8 bits
/// 16  offset + 1 relative to the table's first offset, 48 bits, and the payload print's high 16 bits
/// </code>
/// All zero at 16 means an empty slot. 2^48 records are 35 years at 250,000 a second.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly struct OwnerEntry
{
    public const int Bytes = 24;

    private const ulong OffsetMask = (1UL << 48) - 1;

    public readonly ulong HashLow;
    private readonly ulong _second;
    private readonly ulong _third;

    /// <param name="relativeOffset">In <c>[0, 2^48-1)</c>.</param>
    public OwnerEntry(OwnerHash hash, long relativeOffset, uint identityPrint, uint payloadPrint)
    {
        HashLow = hash.Low;
        _second = hash.High | ((ulong)(identityPrint & 0xFF_FFFF) << 32) | ((ulong)(payloadPrint & 0xFF) << 56);
        _third = ((ulong)(relativeOffset + 1) & OffsetMask) | ((ulong)((payloadPrint >> 8) & 0xFFFF) << 48);
    }

    public uint HashHigh => unchecked((uint)_second);

    public bool IsEmpty => _third == 0;

    public long RelativeOffset => (long)(_third & OffsetMask) - 1;

    public uint IdentityPrint => unchecked((uint)(_second >> 32)) & 0xFF_FFFF;

    public uint PayloadPrint => unchecked((uint)((_second >> 56) | ((_third >> 48) << 8)));
}
