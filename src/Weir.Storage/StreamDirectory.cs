using System.Globalization;

namespace Weir.Storage;

/// <summary>One stream's place in the data directory: its definition file and its partitions' directories.</summary>
public sealed class StreamDirectory
{
    private readonly IDisk _disk;

    internal StreamDirectory(IDisk disk, string name, string path)
    {
        _disk = disk;
        Name = name;
        Path = path;
    }

    public string Name { get; }

    public string Path { get; }

    /// <summary>The directory of a partition (0-based); <see cref="PartitionLog.Open"/> makes it.</summary>
    public string PartitionPath(int partition) => System.IO.Path.Combine(Path, partition.ToString(CultureInfo.InvariantCulture));

    /// <summary>Numbers of the partitions that have a directory, ascending.</summary>
    public IReadOnlyList<int> Partitions() =>
    [
        .. _disk.List(Path)
            .Select(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int partition) ? partition : -1)
            .Where(partition => partition >= 0)
            .Order(),
    ];

    /// <summary>The definition's JSON as last written.</summary>
    public byte[] ReadDefinition() => DefinitionFile.TryRead(_disk, DataDirectory.DefinitionPath(Path))
        ?? throw new DiskException("open", DataDirectory.DefinitionPath(Path), DiskException.NoEntry);

    /// <summary>Replaces the definition, durably.</summary>
    public void WriteDefinition(ReadOnlySpan<byte> definition) => DefinitionFile.Write(_disk, DataDirectory.DefinitionPath(Path), definition);
}
