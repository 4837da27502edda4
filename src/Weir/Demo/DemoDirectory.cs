using System.Globalization;
using Weir.Core;

namespace Weir.Cli.Demo;

/// <summary>The demo's folder: configuration, data, the server's log. A file in it says that it may be deleted.</summary>
internal sealed class DemoDirectory
{
    private const string Marker = "delete-any-time";

    private DemoDirectory(string path) => Path = path;

    public string Path { get; }

    public string ConfigurationFile => System.IO.Path.Combine(Path, "weir.yaml");

    public string LogFile => System.IO.Path.Combine(Path, "server.log");

    public string Data => System.IO.Path.Combine(Path, "data");

    /// <summary>Makes the folder anew, and the configuration of the stream `votes` and its views in it.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.DirectoryInUse"/>: it holds something that no demo left there.</exception>
    public static DemoDirectory Create(string path, int port)
    {
        path = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            if (!File.Exists(System.IO.Path.Combine(path, Marker)))
            {
                throw new WeirException(ErrorCode.DirectoryInUse, $"{path} is not empty and was not made by the demo");
            }

            Directory.Delete(path, recursive: true);
        }

        Directory.CreateDirectory(path);
        var directory = new DemoDirectory(path);
        File.WriteAllText(System.IO.Path.Combine(path, Marker), "Made by `weir demo`, which deletes this folder when it starts.\n");
        File.WriteAllText(directory.ConfigurationFile, string.Create(CultureInfo.InvariantCulture, $$"""
            # Written by `weir demo`: the stream and the view of examples/voting, and a second view by which the demo checks the first.
            data: "{{directory.Data}}"
            http: { listen: "127.0.0.1:{{port}}", drain: 0s }
            streams:
              votes:
                partitions: 4
                key: user
                id: id
                claim: { by: user, keep: first }
            views:
              results: SELECT choice, count(*) AS votes FROM votes GROUP BY choice
              # The sum of the votes' numbers differs if one vote is lost and another is counted in its place.
              audit: SELECT choice, count(*) AS votes, sum(nr) AS numbers FROM votes GROUP BY choice

            """));
        return directory;
    }
}
