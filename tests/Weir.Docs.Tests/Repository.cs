namespace Weir.Docs.Tests;

/// <summary>The checkout that these tests were built from, as its author left it: what .gitignore names is not in it.</summary>
internal static class Repository
{
    private static readonly string[] BuiltAnywhere = ["bin", "obj", ".vs", "node_modules", "TestResults"];
    private static readonly string[] MadeAtTheTop = [".git", ".weir", "artifacts", "data"];

    public static string Root { get; } = Find(AppContext.BaseDirectory);

    /// <summary>Paths from the root, with '/'.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Below(Root, MadeAtTheTop).Select(file => Path.GetRelativePath(Root, file)).Order(StringComparer.Ordinal)];

    public static IEnumerable<string> Pages => Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal));

    public static string PathOf(string path) => Path.Combine(Root, path);

    public static string Read(string path) => File.ReadAllText(PathOf(path));

    public static bool Exists(string path) => Path.Exists(PathOf(path));

    private static IEnumerable<string> Below(string folder, string[] left) =>
        Directory.EnumerateFiles(folder).Where(file => !left.Contains(Path.GetFileName(file))) // .git is a file in a linked worktree
            .Concat(Directory.EnumerateDirectories(folder)
                .Where(inner => !left.Contains(Path.GetFileName(inner)) && !BuiltAnywhere.Contains(Path.GetFileName(inner)))
                .SelectMany(inner => Below(inner, [])));

    private static string Find(string folder) =>
        File.Exists(Path.Combine(folder, "Weir.slnx")) ? folder : Find(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run inside the repository."));
}
