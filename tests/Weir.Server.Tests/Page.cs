using System.Reflection;
using System.Runtime.CompilerServices;

namespace Weir.Server.Tests;

/// <summary>A page of docs/ that is generated: compares it, and writes it anew when WEIR_WRITE_PAGES=1 is set.</summary>
internal static class Page
{
    public static void MustBe(string path, string expected, [CallerFilePath] string here = "")
    {
        string file = Path.Combine(RootOf(here), path);
        if (Environment.GetEnvironmentVariable("WEIR_WRITE_PAGES") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, expected);
        }

        string found = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(found == expected, $"{path} is not what the code says; run {Assembly.GetExecutingAssembly().GetName().Name} with WEIR_WRITE_PAGES=1 to write it anew.");
    }

    public static string Read(string path, [CallerFilePath] string here = "") => File.ReadAllText(Path.Combine(RootOf(here), path));

    private static string RootOf(string source)
    {
        DirectoryInfo? directory = new FileInfo(source).Directory;
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Weir.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException($"There is no Weir.slnx above {source}.");
    }
}
