namespace Weir.Cli.Load;

/// <summary>Decimal digits of fixed width, written over what is there: a load generator's share of the processor.</summary>
internal static class Digits
{
    /// <summary>Fills <paramref name="target"/> with the last digits of <paramref name="value"/>, zeros in front.</summary>
    public static void Write(Span<byte> target, long value)
    {
        for (int i = target.Length - 1; i >= 0; i--)
        {
            long rest = value / 10;
            target[i] = (byte)('0' + (value - (rest * 10)));
            value = rest;
        }
    }
}
