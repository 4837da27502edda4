namespace Weir.CrashTests;

/// <summary>A directory of one test with a weir.yaml and the data directory; deleted with everything in it.</summary>
internal sealed class WorkDirectory : IDisposable
{
    public WorkDirectory()
    {
        Path = Directory.CreateTempSubdirectory("weir-crash-").FullName;
    }

    public string Path { get; }

    public string Configuration => System.IO.Path.Combine(Path, "weir.yaml");

    public string Data => System.IO.Path.Combine(Path, "data");

    /// <summary>Writes weir.yaml: this data directory, port 0, no drain, and small segments and snapshots so that a short run has several.</summary>
    /// <param name="definitions">The sections streams and views.</param>
    public void Configure(string definitions) => File.WriteAllText(
        Configuration,
        $$"""
        data: {{Data}}
        http: { listen: "127.0.0.1:0", drain: 0s }
        engine: { segment_bytes: 1MiB, snapshot_bytes: 1MiB, publish_interval: 20ms }
        {{definitions}}
        """);

    /// <summary>The directory of a stream's partition.</summary>
    public string PartitionPath(string stream, int partition)
    {
        string directory = Directory.GetDirectories(System.IO.Path.Combine(Data, "streams"), stream + "-*").Single();
        return System.IO.Path.Combine(directory, partition.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
