using System.ComponentModel;

namespace Weir.KafkaTests.Support;

/// <summary>The clients of npm: installed once, from <c>clients/package-lock.json</c>, beside the programs that use them.</summary>
internal static class Npm
{
    private static readonly Lazy<string?> Installed = new(Install);

    /// <summary>Null: they are there. Otherwise why not.</summary>
    public static string? Missing => Installed.Value;

    private static string? Install()
    {
        // npm writes the second file last, when all is there.
        var wanted = new FileInfo(Path.Combine(Paths.Clients, "package-lock.json"));
        var present = new FileInfo(Path.Combine(Paths.Clients, "node_modules", ".package-lock.json"));
        if (present.Exists && present.LastWriteTimeUtc >= wanted.LastWriteTimeUtc)
        {
            return null;
        }

        try
        {
            using LineProcess npm = LineProcess.Start(["npm", "ci", "--prefix", Paths.Clients, "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"]);
            npm.EndAsync().GetAwaiter().GetResult();
            return null;
        }
        catch (Exception failure) when (failure is Win32Exception or InvalidOperationException or TimeoutException)
        {
            return $"npm ci did not install the clients: {failure.Message}";
        }
    }
}
