using System.Collections.Frozen;
using System.Text;

namespace Weir.Sql;

/// <summary>Cuts the text of a query into tokens, the last of which is <see cref="SqlTokenKind.End"/>. Used once, by <see cref="SqlParser"/>.</summary>
internal sealed class SqlLexer(string text)
{
    /// <summary>Every other word is a name.</summary>
    private static readonly FrozenSet<string> s_reserved = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "SELECT", "FROM", "WHERE", "GROUP", "BY", "HAVING", "ORDER", "LIMIT", "AS", "AND", "OR", "NOT", "IN", "LIKE", "IS",
        "NULL", "ASC", "DESC", "TRUE", "FALSE", "TTL");

    private static readonly string[] s_symbols = ["<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", ".", "[", "]", "*", ";"];

    private int _at;
    private int _line = 1;
    private int _column = 1;

    private SourcePlace Place => new(_line, _column);

    public static bool IsReserved(string word) => s_reserved.Contains(word);

    /// <summary>Whether a name can be written without quotes: a letter or <c>_</c>, then letters, digits and <c>_</c>, and not reserved.</summary>
    public static bool IsPlainName(string name)
    {
        if (name.Length == 0 || !IsNameStart(name[0]) || IsReserved(name))
        {
            return false;
        }

        foreach (char c in name)
        {
            if (!IsNamePart(c))
            {
                return false;
            }
        }

        return true;
    }

    public List<SqlToken> Tokens()
    {
        CheckText();
        List<SqlToken> tokens = [];
        while (true)
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            {
                Advance(1);
            }

            SqlToken token = Next();
            tokens.Add(token);
            if (token.Kind == SqlTokenKind.End)
            {
                return tokens;
            }
        }
    }

    private void CheckText()
    {
        if (Encoding.UTF8.GetByteCount(text) > ViewQuery.MaxTextBytes)
        {
            throw SqlException.TooLarge(Place, $"at most {ViewQuery.MaxTextBytes} bytes of SQL", $"{Encoding.UTF8.GetByteCount(text)} bytes");
        }

        // A half surrogate has no UTF-8 form, so it could equal nothing; it is named where it stands.
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar && text[_at] != '\uFFFD')
            {
                throw SqlException.Syntax(Place, "a character", "half of a surrogate pair");
            }

            Advance(rune.Utf16SequenceLength);
        }

        (_at, _line, _column) = (0, 1, 1);
    }

    private SqlToken Next()
    {
        if (_at == text.Length)
        {
            return new SqlToken(SqlTokenKind.End, "", Place);
        }

        char first = text[_at];
        if (IsNameStart(first))
        {
            return Word();
        }

        if (char.IsAsciiDigit(first) || (first == '-' && char.IsAsciiDigit(At(1))))
        {
            return Number();
        }

        return first switch
        {
            '\'' => Quoted(SqlTokenKind.String, '\'', "a closing '"),
            '"' => Quoted(SqlTokenKind.QuotedName, '"', "a closing \""),
            _ => Symbol(),
        };
    }

    private SqlToken Word()
    {
        int length = 1;
        while (IsNamePart(At(length)))
        {
            length++;
        }

        SourcePlace place = Place;
        string word = Take(length);
        return IsReserved(word)
            ? new SqlToken(SqlTokenKind.Keyword, word.ToUpperInvariant(), place)
            : new SqlToken(SqlTokenKind.Name, word, place);
    }

    private SqlToken Number()
    {
        int length = Digits(1);
        if (At(length) == '.' && char.IsAsciiDigit(At(length + 1)))
        {
            length = Digits(length + 1);
        }

        if (At(length) is 'e' or 'E')
        {
            int sign = At(length + 1) is '+' or '-' ? 1 : 0;
            if (char.IsAsciiDigit(At(length + 1 + sign)))
            {
                length = Digits(length + 1 + sign);
            }
        }

        SqlTokenKind kind = SqlTokenKind.Number;
        while (IsNamePart(At(length)))
        {
            kind = SqlTokenKind.Duration;
            length++;
        }

        SourcePlace place = Place;
        return new SqlToken(kind, Take(length), place);
    }

    private SqlToken Quoted(SqlTokenKind kind, char quote, string expected)
    {
        SourcePlace place = Place;
        StringBuilder content = new();
        Advance(1);
        while (true)
        {
            int end = text.AsSpan(_at).IndexOf(quote);
            if (end < 0)
            {
                Advance(text.Length - _at);
                throw SqlException.Syntax(Place, expected, $"the end of the text; the quote was opened at {place}");
            }

            content.Append(Take(end));
            Advance(1);
            if (At(0) != quote)
            {
                return new SqlToken(kind, content.ToString(), place);
            }

            content.Append(quote);
            Advance(1);
        }
    }

    private SqlToken Symbol()
    {
        foreach (string symbol in s_symbols)
        {
            if (text.AsSpan(_at).StartsWith(symbol, StringComparison.Ordinal))
            {
                SourcePlace place = Place;
                Advance(symbol.Length);
                return new SqlToken(SqlTokenKind.Symbol, symbol, place);
            }
        }

        Rune found = Rune.GetRuneAt(text, _at);
        throw SqlException.Syntax(
            Place,
            "a name, a value or an operator",
            Rune.IsControl(found) ? FormattableString.Invariant($"the control character U+{found.Value:X4}") : $"'{found}'");
    }

    private int Digits(int length)
    {
        while (char.IsAsciiDigit(At(length)))
        {
            length++;
        }

        return length;
    }

    // NUL stands for "past the end": it begins and continues nothing.
    private char At(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private string Take(int length)
    {
        string taken = text.Substring(_at, length);
        Advance(length);
        return taken;
    }

    private void Advance(int length)
    {
        for (int end = _at + length; _at < end; _at++)
        {
            if (text[_at] == '\n')
            {
                _line++;
                _column = 1;
            }
            else if (!char.IsLowSurrogate(text[_at]))
            {
                _column++;
            }
        }
    }

    private static bool IsNameStart(char c) => c == '_' || char.IsLetter(c);

    private static bool IsNamePart(char c) => c == '_' || char.IsLetterOrDigit(c);
}
