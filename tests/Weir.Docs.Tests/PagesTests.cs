using System.Text.RegularExpressions;

namespace Weir.Docs.Tests;

/// <summary>What a page points at is there, and every page is found by following links from the README.</summary>
public sealed partial class PagesTests
{
    private static readonly string[] Folders = ["src/", "tests/", "docs/", "eng/", "examples/", "bench/"];

    [Fact]
    public void Every_link_and_image_leads_to_a_file()
    {
        string[] dead = [.. Repository.Pages.SelectMany(page => Links(page).Where(target => !Repository.Exists(target)).Select(target => $"{page}: {target}"))];

        Assert.Empty(dead);
    }

    [Fact]
    public void Every_source_path_in_backticks_is_there()
    {
        string[] gone = [.. Repository.Pages.SelectMany(page => PathsInBackticks(page).Where(path => !IsThere(path)).Select(path => $"{page}: {path}"))];

        Assert.Empty(gone);
    }

    [Fact]
    public void Every_test_that_a_page_names_is_there()
    {
        string[] named = [.. Repository.Pages.SelectMany(page => TestNames().Matches(Repository.Read(page)).Select(match => match.Value)).Distinct(StringComparer.Ordinal)];
        string[] tests = [.. Repository.Files.Where(file => file.StartsWith("tests/", StringComparison.Ordinal) && file.EndsWith("Tests.cs", StringComparison.Ordinal))];
        ILookup<string, string> sources = tests.ToLookup(file => Path.GetFileNameWithoutExtension(file), Repository.Read, StringComparer.Ordinal);

        Assert.True(named.Length > 10, "The pattern finds no names.");
        string[] missing = [.. named.Where(name => !sources[name.Split('.')[0]].Any(source => source.Contains($" {name.Split('.')[1]}(", StringComparison.Ordinal)))];
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_page_that_a_file_names_is_there()
    {
        string[] missing = [.. TextFiles().SelectMany(file => PageNames().Matches(Repository.Read(file))
            .Select(match => match.Value).Where(name => !IsThere(name)).Select(name => $"{file}: {name}"))];

        Assert.Empty(missing);
    }

    [Fact]
    public void Every_page_is_found_from_the_README()
    {
        var found = new HashSet<string>(["README.md"], StringComparer.Ordinal);
        var open = new Queue<string>(found);
        while (open.TryDequeue(out string? page))
        {
            foreach (string target in Links(page).Where(target => target.EndsWith(".md", StringComparison.Ordinal) && Repository.Exists(target) && found.Add(target)))
            {
                open.Enqueue(target);
            }
        }

        Assert.Empty(Repository.Pages.Except(found));
    }

    [Fact]
    public void No_file_names_a_folder_of_one_persons_machine()
    {
        string[] found = [.. TextFiles().SelectMany(file => PersonalFolder().Matches(Repository.Read(file)).Select(match => $"{file}: {match.Value}"))];

        Assert.Empty(found);
    }

    private static IEnumerable<string> TextFiles() =>
        Repository.Files.Where(file => !file.EndsWith(".gz", StringComparison.Ordinal) && !file.EndsWith(".png", StringComparison.Ordinal));

    /// <summary>The relative links of a page, as paths from the root and without fragments.</summary>
    private static IEnumerable<string> Links(string page) =>
        Link().Matches(Repository.Read(page)).Select(match => match.Groups["target"].Value.Split('#')[0])
            .Where(target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
            .Select(target => Path.GetRelativePath(Repository.Root, Path.Combine(Path.GetDirectoryName(Repository.PathOf(page))!, target)));

    /// <summary>What a build writes is left out; a command in backticks counts with its first word.</summary>
    private static IEnumerable<string> PathsInBackticks(string page) =>
        Backticks().Matches(Repository.Read(page)).Select(match => match.Groups["text"].Value.Split(' ')[0])
            .Where(path => path.Contains('/') && !path.Contains("/bin/", StringComparison.Ordinal)
                && (path.EndsWith(".cs", StringComparison.Ordinal) || Folders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal))));

    /// <summary>A path may leave out the folders before it, as in `Fold/Admission.cs`, and may stand for several files with '*'.</summary>
    private static bool IsThere(string path)
    {
        string pattern = $"(^|/){Regex.Escape(path.TrimEnd('/')).Replace(@"\*", "[^/]*", StringComparison.Ordinal)}(/|$)";
        return Repository.Files.Any(file => Regex.IsMatch(file, pattern));
    }

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\b(docs/)?[\w-]+(/[\w-]+)*\.md\b")]
    private static partial Regex PageNames();

    /// <summary>Class and sentence, as in `RecoveryTests.A_last_frame_torn_at_any_byte_is_a_tail`.</summary>
    [GeneratedRegex(@"\b[A-Z][A-Za-z]+Tests\.[A-Z][A-Za-z0-9]*_\w+")]
    private static partial Regex TestNames();

    [GeneratedRegex("`(?<text>[^`\n]+)`")]
    private static partial Regex Backticks();

    [GeneratedRegex(@"(?<![\w.}-])/(home|root|Users|work|mnt)/")]
    private static partial Regex PersonalFolder();
}
