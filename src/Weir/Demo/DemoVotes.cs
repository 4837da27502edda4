using Weir.Cli.Load;

namespace Weir.Cli.Demo;

/// <summary>
/// The votes of the demo: everything about a vote follows from its number, so that the record of what was sent needs one byte a vote.
/// Pure; safe from any thread.
/// </summary>
internal static class DemoVotes
{
    /// <summary>Room that one line needs at most.</summary>
    public const int MaxLineBytes = 160;

    private const long Users = 100_000_000;

    // Odd and no multiple of 5, so that number → user is one to one below 100 million.
    private const long UserStep = 61_803_399;

    public static readonly string[] Choices =
        ["amber", "azure", "coral", "emerald", "indigo", "ivory", "jade", "lilac", "ochre", "ruby", "silver", "teal"];

    private static readonly byte[][] ChoiceBytes = Array.ConvertAll(Choices, System.Text.Encoding.ASCII.GetBytes);

    /// <summary>Skewed like a real poll: the first choices get most of the votes.</summary>
    public static int ChoiceOf(long number)
    {
        ulong mixed = unchecked((ulong)number * 0x9E37_79B9_7F4A_7C15UL) >> 40;
        return (int)(mixed % 13 * (mixed / 13 % 12 + 1) / 13);
    }

    /// <summary>Vote <paramref name="number"/>, the same bytes whenever it is written.</summary>
    public static int WriteVote(Span<byte> target, long number) => WriteLine(target, (byte)'v', number, number, ChoiceOf(number));

    /// <summary>Another vote, under an id of its own, of the user who cast vote <paramref name="number"/>, for another choice.</summary>
    public static int WriteSecondVote(Span<byte> target, long id, long number) =>
        WriteLine(target, (byte)'s', id, number, (ChoiceOf(number) + 1) % Choices.Length);

    /// <summary>A vote that breaks off in the middle, as a client that crashed would have sent it.</summary>
    public static int WriteMalformed(Span<byte> target, long number)
    {
        int length = WriteVote(target, number) / 2;
        target[length] = (byte)'\n';
        return length + 1;
    }

    // {"id":"v00000001","user":"u61803399","choice":"amber","nr":1,"from":"demo","country":"nowhere"}
    private static int WriteLine(Span<byte> target, byte kind, long id, long number, int choice)
    {
        int at = 0;
        Put(target, "{\"id\":\""u8, ref at);
        target[at++] = kind;
        Digits.Write(target.Slice(at, 8), (ulong)id);
        at += 8;
        Put(target, "\",\"user\":\"u"u8, ref at);
        Digits.Write(target.Slice(at, 8), (ulong)(number * UserStep % Users));
        at += 8;
        Put(target, "\",\"choice\":\""u8, ref at);
        Put(target, ChoiceBytes[choice], ref at);
        Put(target, "\",\"nr\":"u8, ref at);
        System.Buffers.Text.Utf8Formatter.TryFormat(number, target[at..], out int digits);
        at += digits;
        Put(target, ",\"from\":\"demo\",\"country\":\"nowhere\"}\n"u8, ref at);
        return at;
    }

    private static void Put(Span<byte> target, ReadOnlySpan<byte> text, ref int at)
    {
        text.CopyTo(target[at..]);
        at += text.Length;
    }
}
