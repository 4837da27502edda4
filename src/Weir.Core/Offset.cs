using System.Globalization;

namespace Weir.Core;

/// <summary>Logical index of a record in its partition: assigned without gaps from 0, never reused. A byte place in a file is a file position, not an offset.</summary>
public readonly record struct Offset(long Value) : IComparable<Offset>
{
    /// <summary>The first offset of every partition; it holds the define marker.</summary>
    public static readonly Offset Zero = new(0);

    /// <summary>The offset <paramref name="count"/> records later.</summary>
    /// <exception cref="OverflowException">Past 2^63-1. Not retryable: the partition is full for good.</exception>
    public static Offset operator +(Offset offset, long count) => new(checked(offset.Value + count));

    /// <summary>Number of offsets from <paramref name="right"/> (inclusive) to <paramref name="left"/> (exclusive).</summary>
    public static long operator -(Offset left, Offset right) => checked(left.Value - right.Value);

    public static bool operator <(Offset left, Offset right) => left.Value < right.Value;
    public static bool operator >(Offset left, Offset right) => left.Value > right.Value;
    public static bool operator <=(Offset left, Offset right) => left.Value <= right.Value;
    public static bool operator >=(Offset left, Offset right) => left.Value >= right.Value;

    public int CompareTo(Offset other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
