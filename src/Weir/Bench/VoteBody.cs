using System.Text;
using Weir.Cli.Load;

namespace Weir.Cli.Bench;

/// <summary>How the users of a run are chosen.</summary>
internal enum UserChoice
{
    /// <summary>Random over 100 million: some vote again and are `taken`.</summary>
    Random,

    /// <summary>Each user once: as many voters as votes, up to 100 million.</summary>
    Distinct,

    /// <summary>A million that take turns: what the server has to remember does not grow for ever.</summary>
    Million,

    /// <summary>One and the same.</summary>
    One,
}

/// <summary>
/// A request of votes, made once; for each sending only the digits of ids and users are written over. A vote is 120 bytes and its line
/// end. Belongs to one thread.
/// </summary>
internal sealed class VoteBody
{
    /// <summary>Length of a vote without its line end.</summary>
    public const int VoteBytes = 120;

    public const int Users = 100_000_000;

    // Odd and no multiple of 5, so that number → user is one to one below 100 million.
    private const ulong UserStep = 61_803_399;

    private const int IdDigits = 16;
    private const int UserDigits = 8;

    private readonly byte[] _request;
    private readonly int _bodyAt;
    private readonly int _idAt;
    private readonly int _userAt;
    private readonly int _stride;
    private readonly UserChoice _users;
    private ulong _random;

    /// <param name="votes">Votes in the body; 1 makes a body of one JSON object.</param>
    /// <param name="seed">Of the users; every thread has its own.</param>
    /// <param name="asksFirst">The head says <c>Expect: 100-continue</c>: the body is sent when the server asks for it.</param>
    public VoteBody(string stream, int votes, UserChoice users, int seed, bool asksFirst = false)
    {
        Votes = votes;
        _users = users;
        _random = unchecked(((ulong)seed + 1) * 0x9E37_79B9_7F4A_7C15UL);
        bool isSingle = votes == 1;
        var lines = new StringBuilder();
        for (int i = 0; i < votes; i++)
        {
            string vote = $$"""{"id":"{{new string('0', IdDigits)}}","user":"u{{new string('0', UserDigits)}}","choice":"option-{{i * 7 % 12:D2}}","pad":""";
            string line = $"{vote}\"{new string('.', VoteBytes - vote.Length - 3)}\"}}";
            lines.Append(line);
            if (!isSingle)
            {
                lines.Append('\n');
            }
        }

        _stride = VoteBytes + 1;
        string body = lines.ToString();
        string head = $"POST /v1/streams/{stream}/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {(isSingle ? "application/json" : "application/x-ndjson")}\r\nContent-Length: {body.Length}\r\n{(asksFirst ? "Expect: 100-continue\r\n" : "")}\r\n";
        _request = Encoding.ASCII.GetBytes(head + body);
        _bodyAt = head.Length;
        _idAt = _bodyAt + body.IndexOf('0', StringComparison.Ordinal);
        _userAt = _bodyAt + body.IndexOf("u0", StringComparison.Ordinal) + 1;
    }

    public int Votes { get; }

    /// <summary>Head and body of the request as they stand.</summary>
    public ReadOnlySpan<byte> Request => _request;

    public ReadOnlySpan<byte> Head => _request.AsSpan(0, _bodyAt);

    public ReadOnlySpan<byte> Body => _request.AsSpan(_bodyAt);

    /// <summary>Makes other votes of them: the ids <paramref name="first"/> and up.</summary>
    public void Renew(ulong first)
    {
        Span<byte> request = _request;
        for (int i = 0; i < Votes; i++)
        {
            ulong number = first + (ulong)i;
            Digits.Write(request.Slice(_idAt + (i * _stride), IdDigits), number);
            Digits.Write(request.Slice(_userAt + (i * _stride), UserDigits), UserOf(number));
        }
    }

    private ulong UserOf(ulong number) => _users switch
    {
        UserChoice.Random => NextUser(),
        UserChoice.Million => number * UserStep % 1_000_000,
        UserChoice.One => 0,
        _ => number * UserStep % Users,
    };

    // xorshift64*, then the high half scaled: a user in a few cycles.
    private ulong NextUser()
    {
        _random ^= _random >> 12;
        _random ^= _random << 25;
        _random ^= _random >> 27;
        return unchecked(_random * 0x2545_F491_4F6C_DD1DUL >> 32) * Users >> 32;
    }
}
