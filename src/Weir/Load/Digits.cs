using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Weir.Cli.Load;

/// <summary>
/// Decimal digits of fixed width, written over what is there, four at a time from a table: what a load generator spends on a vote
/// is taken from the server it measures.
/// </summary>
internal static class Digits
{
    private static readonly uint[] Fours = MakeFours();

    /// <summary>Writes exactly as many digits as <paramref name="target"/> is long (a multiple of four), zeros in front, higher digits cut off.</summary>
    public static void Write(Span<byte> target, ulong value)
    {
        Debug.Assert(target.Length % sizeof(uint) == 0);
        for (int at = target.Length - sizeof(uint); at >= 0; at -= sizeof(uint))
        {
            ulong rest = value / 10_000;
            MemoryMarshal.Write(target[at..], Fours[value - (rest * 10_000)]);
            value = rest;
        }
    }

    private static uint[] MakeFours()
    {
        var fours = new uint[10_000];
        Span<byte> text = stackalloc byte[sizeof(uint)];
        for (int i = 0; i < fours.Length; i++)
        {
            text[0] = (byte)('0' + (i / 1000));
            text[1] = (byte)('0' + (i / 100 % 10));
            text[2] = (byte)('0' + (i / 10 % 10));
            text[3] = (byte)('0' + (i % 10));

            // As it lies in memory, whatever the byte order.
            fours[i] = MemoryMarshal.Read<uint>(text);
        }

        return fours;
    }
}
