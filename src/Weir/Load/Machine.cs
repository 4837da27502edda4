using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Weir.Cli.Load;

/// <summary>What a figure was measured on. No figure is shown without it.</summary>
internal sealed record Machine(int Cores, string Processor, long MemoryBytes, string FileSystem, string Kernel, string Runtime)
{
    /// <summary>How an acknowledgement relates to the disk in everything this program measures.</summary>
    public const string FlushMode = "fdatasync before the acknowledgement, group commit";

    /// <param name="dataDirectory">Existing; its file system is named.</param>
    public static Machine Describe(string dataDirectory)
    {
        string processor = ReadValue("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString();
        long memoryKilobytes = long.TryParse(ReadValue("/proc/meminfo", "MemTotal")?.Split(' ')[0], CultureInfo.InvariantCulture, out long kilobytes) ? kilobytes : 0;
        return new Machine(
            Environment.ProcessorCount,
            processor,
            memoryKilobytes * 1024,
            FileSystemOf(Path.GetFullPath(dataDirectory)),
            Environment.OSVersion.VersionString,
            RuntimeInformation.FrameworkDescription);
    }

    /// <summary>One line for people.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Cores} cores, {Processor}, {MemoryBytes / (1 << 30)} GiB, {FileSystem}, {Runtime}");

    public JsonObject ToJson() => new()
    {
        ["cores"] = Cores,
        ["processor"] = Processor,
        ["memory_bytes"] = MemoryBytes,
        ["file_system"] = FileSystem,
        ["kernel"] = Kernel,
        ["runtime"] = Runtime,
    };

    /// <summary>Free bytes for an ordinary user on the disk that holds <paramref name="directory"/> or its nearest existing parent.</summary>
    public static long FreeBytes(string directory)
    {
        string? existing = Path.GetFullPath(directory);
        while (existing is not null && !Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing);
        }

        return new DriveInfo(existing ?? "/").AvailableFreeSpace;
    }

    private static string FileSystemOf(string path) =>
        DriveInfo.GetDrives()
            .Where(drive => path.StartsWith(drive.RootDirectory.FullName, StringComparison.Ordinal))
            .MaxBy(drive => drive.RootDirectory.FullName.Length)?.DriveFormat ?? "unknown file system";

    private static string? ReadValue(string file, string key) =>
        File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
}
