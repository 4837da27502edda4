using System.Globalization;
using System.Text;

namespace Weir.Core;

/// <summary>
/// A vector of exclusive ends, written <c>votes:0=1841,1=1790</c>: offsets 0..1840 of partition 0 and so on. It names a prefix of a stream.
/// Immutable; partitions are 0..n-1 without gaps.
/// </summary>
public sealed class Position : IEquatable<Position>
{
    private readonly long[] _ends;

    public Position(string stream, ReadOnlySpan<long> ends)
    {
        Stream = stream;
        _ends = ends.ToArray();
    }

    public string Stream { get; }

    /// <summary>One exclusive end per partition.</summary>
    public ReadOnlySpan<long> Ends => _ends;

    /// <summary>True when this prefix contains all of <paramref name="other"/>, partition by partition.</summary>
    public bool Covers(Position other)
    {
        if (other._ends.Length != _ends.Length || other.Stream != Stream)
        {
            return false;
        }

        for (int i = 0; i < _ends.Length; i++)
        {
            if (_ends[i] < other._ends[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Parses the written form. Partitions may come in any order and may be left out (then 0), but not twice, and not ≥ <paramref name="partitions"/>.</summary>
    public static bool TryParse(string text, string stream, int partitions, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Position? position)
    {
        position = null;
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !text.AsSpan(0, colon).SequenceEqual(stream))
        {
            return false;
        }

        var ends = new long[partitions];
        Array.Fill(ends, -1);
        foreach (string part in text[(colon + 1)..].Split(','))
        {
            int equals = part.IndexOf('=');
            if (equals < 0
                || !int.TryParse(part.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
                || !long.TryParse(part.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long end)
                || partition >= partitions || ends[partition] >= 0)
            {
                return false;
            }

            ends[partition] = end;
        }

        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = Math.Max(ends[i], 0);
        }

        position = new Position(stream, ends);
        return true;
    }

    public bool Equals(Position? other) => other is not null && other.Stream == Stream && _ends.AsSpan().SequenceEqual(other._ends);

    public override bool Equals(object? obj) => Equals(obj as Position);

    /// <summary>Not for storing or comparing between processes.</summary>
    public override int GetHashCode() => _ends.Length == 0 ? 0 : unchecked((int)(_ends[0] * 397 + _ends[^1]));

    public override string ToString()
    {
        var text = new StringBuilder(Stream).Append(':');
        for (int i = 0; i < _ends.Length; i++)
        {
            if (i > 0)
            {
                text.Append(',');
            }

            text.Append(CultureInfo.InvariantCulture, $"{i}={_ends[i]}");
        }

        return text.ToString();
    }
}
