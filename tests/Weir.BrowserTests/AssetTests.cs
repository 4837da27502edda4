using System.IO.Compression;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Weir.BrowserTests;

/// <summary>What the program carries for its pages.</summary>
public sealed partial class AssetTests
{
    private const string Prefix = "Weir.Server.Console.";
    private const int MostBytes = 45_000;

    private static readonly Assembly Server = Assembly.Load("Weir.Server");

    private static readonly string[] Names = [.. Server.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))];

    [Fact]
    public void All_of_it_together_is_small()
    {
        int sum = Names.Sum(name =>
        {
            using var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            {
                using Stream content = Server.GetManifestResourceStream(name)!;
                content.CopyTo(gzip);
            }

            return (int)compressed.Length;
        });
        Assert.InRange(sum, 1, MostBytes);
    }

    [Fact]
    public void What_a_page_or_module_names_is_there()
    {
        Assert.Contains(Prefix + "live.html", Names);
        Assert.Contains(Prefix + "overview.html", Names);
        foreach (string name in Names)
        {
            foreach (Match asset in AssetPath().Matches(Text(name)))
            {
                Assert.Contains(Prefix + asset.Value[1..], Names);
            }
        }
    }

    [Fact]
    public void Pages_preload_every_module_that_they_need()
    {
        foreach ((string page, string entry) in (ReadOnlySpan<(string, string)>)[("live.html", "/assets/live.js"), ("overview.html", "/assets/overview.js")])
        {
            var needed = new SortedSet<string>(StringComparer.Ordinal);
            Follow(entry, needed);
            needed.Remove(entry);
            Assert.Equal(needed, new SortedSet<string>(Preload().Matches(Text(Prefix + page)).Select(match => match.Groups[1].Value), StringComparer.Ordinal));
        }
    }

    private static void Follow(string module, SortedSet<string> seen)
    {
        if (seen.Add(module))
        {
            foreach (Match import in Import().Matches(Text(Prefix + module[1..])))
            {
                Follow(import.Groups[1].Value, seen);
            }
        }
    }

    private static string Text(string name)
    {
        using var reader = new StreamReader(Server.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex("/assets/[a-z.]+")]
    private static partial Regex AssetPath();

    [GeneratedRegex("from \"(/assets/[a-z.]+)\"")]
    private static partial Regex Import();

    [GeneratedRegex("modulepreload\" href=\"(/assets/[a-z.]+)\"")]
    private static partial Regex Preload();
}
