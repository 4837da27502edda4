using System.Text;

namespace Weir.Engine;

/// <summary>A LIKE pattern over UTF-8: <c>%</c> any run of characters, <c>_</c> one code point, the rest itself. Immutable.</summary>
internal sealed class LikePattern(string pattern)
{
    private readonly byte[] _pattern = Encoding.UTF8.GetBytes(pattern);

    public bool Matches(ReadOnlySpan<byte> text)
    {
        int at = 0;
        int patternAt = 0;

        // Where to go on when a literal does not match: after the last %, one character further than before.
        int afterPercent = -1;
        int retryAt = 0;
        while (at < text.Length)
        {
            byte wanted = patternAt < _pattern.Length ? _pattern[patternAt] : (byte)0;
            if (patternAt < _pattern.Length && wanted == '%')
            {
                afterPercent = ++patternAt;
                retryAt = at;
            }
            else if (patternAt < _pattern.Length && wanted == '_')
            {
                patternAt++;
                at += CharacterBytes(text[at]);
            }
            else if (patternAt < _pattern.Length && wanted == text[at])
            {
                patternAt++;
                at++;
            }
            else if (afterPercent >= 0)
            {
                patternAt = afterPercent;
                retryAt += CharacterBytes(text[retryAt]);
                at = retryAt;
            }
            else
            {
                return false;
            }
        }

        while (patternAt < _pattern.Length && _pattern[patternAt] == '%')
        {
            patternAt++;
        }

        return patternAt == _pattern.Length;
    }

    private static int CharacterBytes(byte first) => first switch
    {
        < 0x80 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };
}
