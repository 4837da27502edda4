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

    /// <summary>How earlier contents of the same file are called.</summary>
    public const string Earlier = "an earlier state of the file";

    public string Kind => KindOf(Path);

    public bool IsOlderDefinition => Kind.EndsWith(" definition", StringComparison.Ordinal) && What.EndsWith(Earlier, StringComparison.Ordinal);

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

    /// <summary>Blocks zeroed, exchanged, and replaced by those of another file or of an earlier state of this one; the file cut to every class of length.</summary>
    public static IEnumerable<Damage> OfBlocks(string path, byte[] content, IReadOnlyList<(string Name, byte[] Content)> others)
    {
        foreach (int size in (int[])[512, 4096])
        {
            for (int at = 0; at < content.Length; at += size)
            {
                int count = Math.Min(size, content.Length - at);
                yield return Over(at, new byte[count], $"{size} bytes zeroed");
                if (at + size < content.Length)
                {
                    // The last block may be shorter: the file keeps its length.
                    int next = Math.Min(size, content.Length - at - size);
                    byte[] swapped = [.. content];
                    content.AsSpan(at + size, next).CopyTo(swapped.AsSpan(at));
                    content.AsSpan(at, next).CopyTo(swapped.AsSpan(at + size));
                    yield return Made(swapped, at, $"{size} bytes exchanged with the next {next}");
                }

                foreach ((string name, byte[] other) in others)
                {
                    if (at < other.Length)
                    {
                        yield return Over(at, other.AsSpan(at, Math.Min(count, other.Length - at)).ToArray(), $"{size} bytes replaced by those of {name}");
                    }
                }
            }
        }

        foreach ((string name, byte[] other) in others)
        {
            yield return Made(other, 0, $"replaced by {name}");
        }

        int[] lengths = [0, 1, 31, 32, 59, 63, 64, 65, 96, content.Length / 2, content.Length - 1, content.Length - 32, .. Enumerable.Range(1, content.Length / 512).Select(block => block * 512)];
        foreach (int length in lengths.Where(length => length >= 0 && length < content.Length).Distinct())
        {
            yield return Made(content[..length], length, "cut off");
        }

        Damage Over(int at, byte[] bytes, string what)
        {
            byte[] made = [.. content];
            bytes.CopyTo(made.AsSpan(at));
            return Made(made, at, what);
        }

        Damage Made(byte[] made, int at, string what) => new(path, made, string.Create(CultureInfo.InvariantCulture, $"at byte {at}: {what}"));
    }

    public override string ToString() => $"{Path}, {What}";
}
