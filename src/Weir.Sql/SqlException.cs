using Weir.Core;

namespace Weir.Sql;

/// <summary>
/// A query that cannot be read (<see cref="ErrorCode.SqlSyntax"/>), uses what is not supported yet
/// (<see cref="ErrorCode.SqlNotSupportedYet"/>), has no meaning (<see cref="ErrorCode.SqlInvalid"/>) or is over a limit
/// (<see cref="ErrorCode.SqlTooLarge"/>). The message names line, column, what was expected and what was found.
/// </summary>
public sealed class SqlException : WeirException
{
    private SqlException(ErrorCode code, SourcePlace place, string? expected, string? found, string problem)
        : base(code, FormattableString.Invariant($"line {place.Line}, column {place.Column}: {problem}"))
    {
        Line = place.Line;
        Column = place.Column;
        Expected = expected;
        Found = found;
    }

    /// <summary>1-based; 0 where the query did not come from a text.</summary>
    public int Line { get; }

    /// <summary>1-based, in characters (code points); 0 where the query did not come from a text.</summary>
    public int Column { get; }

    /// <summary>What would have been right, "a column or an aggregate"; null where there is no such list.</summary>
    public string? Expected { get; }

    /// <summary>What stands there instead.</summary>
    public string? Found { get; }

    internal static SqlException Syntax(SourcePlace place, string expected, string found) =>
        new(ErrorCode.SqlSyntax, place, expected, found, $"expected {expected}, found {found}.");

    internal static SqlException TooLarge(SourcePlace place, string expected, string found) =>
        new(ErrorCode.SqlTooLarge, place, expected, found, $"expected {expected}, found {found}.");

    /// <summary>For those who compile a query further than this project does.</summary>
    public static SqlException NotSupportedYet(SourcePlace place, string part) =>
        new(ErrorCode.SqlNotSupportedYet, place, expected: null, part, $"{part} is not supported yet.");

    internal static SqlException Invalid(SourcePlace place, string problem) =>
        new(ErrorCode.SqlInvalid, place, expected: null, found: null, problem);
}
