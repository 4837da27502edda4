namespace Weir.Sql;

/// <summary>Where in the text of a query something begins: 1-based line and 1-based column, counted in characters (code points).</summary>
/// <remarks>All places are equal: where a thing was written is no part of what it means, so two queries that differ only
/// in layout compare equal. <c>default</c> (line 0) means "not from a text".</remarks>
public readonly struct SourcePlace(int line, int column) : IEquatable<SourcePlace>
{
    public int Line { get; } = line;

    public int Column { get; } = column;

    public bool Equals(SourcePlace other) => true;

    public override bool Equals(object? obj) => obj is SourcePlace;

    public override int GetHashCode() => 0;

    public static bool operator ==(SourcePlace left, SourcePlace right) => left.Equals(right);

    public static bool operator !=(SourcePlace left, SourcePlace right) => !left.Equals(right);

    public override string ToString() => FormattableString.Invariant($"line {Line}, column {Column}");
}
