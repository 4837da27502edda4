namespace Weir.Cli.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Find(string directory) =>
        File.Exists(Path.Combine(directory, "Weir.slnx")) ? directory : Find(Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("not inside the repository"));
}
