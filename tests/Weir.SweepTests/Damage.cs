using System.Globalization;

namespace Weir.SweepTests;

/// <summary>One file of a store that holds something else than what was written.</summary>
/// <param name="Content">What it holds now.</param>
/// <param name="What">In words, for a person who repeats it.</param>
internal sealed record Damage(string Path, byte[] Content, string What)
{
    private static readonly (string Suffix, string Kind)[] Kinds =
    [
        (".log", "segment"), (".index", "index"), (".verdicts", "verdicts"), (".keys", "key file"), (".snapshot", "snapshot"), (".base", "base"), (".base2", "base, second copy"),
        ("format", "format"), ("view-version", "view-version"),
    ];

    public string Kind => KindOf(Path);

    public static string KindOf(string path)
    {
        if (path.EndsWith("/definition.json", StringComparison.Ordinal))
        {
            return path.Contains("/views/", StringComparison.Ordinal) ? "view definition" : "stream definition";
        }

        return Array.Find(Kinds, kind => path.EndsWith(kind.Suffix, StringComparison.Ordinal)).Kind ?? throw new ArgumentException(path, nameof(path));
    }

    public static Damage Flip(string path, byte[] content, long bit)
    {
        byte[] flipped = [.. content];
        flipped[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        return new Damage(path, flipped, string.Create(CultureInfo.InvariantCulture, $"bit {bit % 8} of byte {bit / 8} flipped"));
    }

    public override string ToString() => $"{Path}, {What}";
}
