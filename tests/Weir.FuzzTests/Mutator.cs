using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Weir.FuzzTests;

/// <summary>Changes valid inputs a little: bits, bytes, lengths, numbers, words of a dictionary, pieces of other inputs. The same seed gives the same inputs. Not thread-safe.</summary>
/// <param name="dictionary">Words that mean something to the reader under test.</param>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> dictionary)
{
    /// <summary>No input grows beyond this.</summary>
    public const int MaxBytes = 64 << 10;

    private const int MostChanges = 4;
    private const int MostRepeats = 200;

    private static readonly long[] EdgeLengths = [0, 1, -1, 2, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];

    private static readonly byte[][] EdgeNumbers =
    [
        .. ((string[])["0", "-0", "-1", "1e400", "1E-400", "1e99999999999999999999", "0.1", "1e", "-", "01", "1.", ".5", "NaN", "18446744073709551616", "9223372036854775807", "-9223372036854775808",
            "2147483648", "170141183460469231731687303715.884105727", "170141183460469231731687303715.884105728", "0.0000000001", "1e30", "9999999999999999999999999999", "99999999999999999999999999999"])
            .Select(Encoding.ASCII.GetBytes),
    ];

    private static ReadOnlySpan<byte> EdgeBytes => [0x00, 0x01, 0x7F, 0x80, 0xC0, 0xED, 0xF4, 0xFE, 0xFF, (byte)'"', (byte)'\\', (byte)'{', (byte)'}', (byte)'[', (byte)']', (byte)',', (byte)':', (byte)'\n', (byte)'\r', (byte)' '];

    private readonly byte[] _buffer = new byte[MaxBytes];
    private int _length;

    /// <summary>A new input made from <paramref name="parent"/>.</summary>
    /// <param name="other">Gives the pieces for splices.</param>
    public byte[] Mutate(ReadOnlySpan<byte> parent, ReadOnlySpan<byte> other)
    {
        _length = Math.Min(parent.Length, MaxBytes);
        parent[.._length].CopyTo(_buffer);
        for (int changes = 1 + random.Next(MostChanges); changes > 0; changes--)
        {
            Change(other);
        }

        return _buffer.AsSpan(0, _length).ToArray();
    }

    private void Change(ReadOnlySpan<byte> other)
    {
        int at = random.Next(_length + 1);
        switch (random.Next(11))
        {
            case 0 when at < _length:
                _buffer[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < _length:
                _buffer[at] = random.Next(2) == 0 ? (byte)random.Next(256) : EdgeBytes[random.Next(EdgeBytes.Length)];
                break;
            case 2:
                ReadOnlySpan<byte> tail = other[random.Next(other.Length + 1)..];
                _length = at;
                Replace(at, 0, tail);
                break;
            case 3:
                Replace(at, random.Next(Math.Min(_length - at, 64) + 1), []);
                break;
            case 4:
                Span<byte> bytes = stackalloc byte[1 + random.Next(8)];
                random.NextBytes(bytes);
                Replace(at, 0, bytes);
                break;
            case 5:
                ChangeLength(at);
                break;
            case 6 or 7 when dictionary.Count > 0:
                Replace(at, random.Next(2) == 0 ? 0 : random.Next(Math.Min(_length - at, 16) + 1), dictionary[random.Next(dictionary.Count)]);
                break;
            case 8:
                ChangeNumber(at);
                break;
            case 9:
                Repeat(at);
                break;
            case 10:
                _length = random.Next(4) == 0 ? at : _length;
                break;
            default:
                Replace(at, 0, EdgeBytes.Slice(random.Next(EdgeBytes.Length), 1));
                break;
        }
    }

    /// <summary>What stands here may be a length or a count: a little more, a little less, or an edge, in either byte order.</summary>
    private void ChangeLength(int at)
    {
        Span<byte> field = _buffer.AsSpan(at, _length - at);
        int width = 1 << random.Next(1, 4);
        if (field.Length < width)
        {
            return;
        }

        bool isSmall = random.Next(2) == 0;
        bool isBig = random.Next(2) == 0;
        long delta = random.Next(-9, 10);
        long edge = EdgeLengths[random.Next(EdgeLengths.Length)];
        unchecked
        {
            switch (width)
            {
                case 2 when isBig:
                    BinaryPrimitives.WriteInt16BigEndian(field, (short)(isSmall ? BinaryPrimitives.ReadInt16BigEndian(field) + delta : edge));
                    break;
                case 2:
                    BinaryPrimitives.WriteInt16LittleEndian(field, (short)(isSmall ? BinaryPrimitives.ReadInt16LittleEndian(field) + delta : edge));
                    break;
                case 4 when isBig:
                    BinaryPrimitives.WriteInt32BigEndian(field, (int)(isSmall ? BinaryPrimitives.ReadInt32BigEndian(field) + delta : edge));
                    break;
                case 4:
                    BinaryPrimitives.WriteInt32LittleEndian(field, (int)(isSmall ? BinaryPrimitives.ReadInt32LittleEndian(field) + delta : edge));
                    break;
                case 8 when isBig:
                    BinaryPrimitives.WriteInt64BigEndian(field, isSmall ? BinaryPrimitives.ReadInt64BigEndian(field) + delta : edge);
                    break;
                default:
                    BinaryPrimitives.WriteInt64LittleEndian(field, isSmall ? BinaryPrimitives.ReadInt64LittleEndian(field) + delta : edge);
                    break;
            }
        }
    }

    /// <summary>Puts an edge value in place of the decimal digits at or after a place.</summary>
    private void ChangeNumber(int at)
    {
        int start = at + Math.Max(0, _buffer.AsSpan(at, _length - at).IndexOfAnyInRange((byte)'0', (byte)'9'));
        int end = start;
        while (end < _length && char.IsAsciiDigit((char)_buffer[end]))
        {
            end++;
        }

        if (random.Next(3) == 0)
        {
            Replace(start, end - start, Encoding.ASCII.GetBytes(random.NextInt64().ToString(CultureInfo.InvariantCulture)));
        }
        else
        {
            Replace(start, end - start, EdgeNumbers[random.Next(EdgeNumbers.Length)]);
        }
    }

    /// <summary>Some bytes, many times: nesting, long lists, long digits.</summary>
    private void Repeat(int at)
    {
        int length = Math.Min(_length - at, 1 + random.Next(8));
        byte[] piece = _buffer.AsSpan(at, length).ToArray();
        for (int times = random.Next(MostRepeats); times > 0; times--)
        {
            Replace(at, 0, piece);
        }
    }

    private void Replace(int at, int removed, ReadOnlySpan<byte> with)
    {
        int length = _length - removed + with.Length;
        if (length > MaxBytes)
        {
            return;
        }

        _buffer.AsSpan(at + removed, _length - at - removed).CopyTo(_buffer.AsSpan(at + with.Length));
        with.CopyTo(_buffer.AsSpan(at));
        _length = length;
    }
}
