using System.Security.Cryptography;
using System.Text;

namespace Weir.CrashTests.CrashStates;

/// <summary>The files and directories of one state, by path below the root.</summary>
internal sealed class Layout(IReadOnlyList<string> directories, IReadOnlyDictionary<string, byte[]> files)
{
    /// <summary>Each after the one that it is in.</summary>
    public IReadOnlyList<string> Directories { get; } = directories;

    public IReadOnlyDictionary<string, byte[]> Files { get; } = files;

    /// <summary>Equal for equal layouts.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string directory in Directories.Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{directory}/\n"));
        }

        foreach ((string path, byte[] content) in Files.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{path} {content.Length}\n"));
            hash.AppendData(content);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public void WriteTo(string root)
    {
        foreach (string directory in Directories)
        {
            Directory.CreateDirectory(Path.Combine(root, directory));
        }

        foreach ((string path, byte[] content) in Files)
        {
            File.WriteAllBytes(Path.Combine(root, path), content);
        }
    }

    /// <summary>What lies in a real directory, below one of its entries.</summary>
    public static Layout Read(string root, string below)
    {
        string top = Path.Combine(root, below);
        return new Layout(
            Directory.Exists(top) ? [below, .. Directory.GetDirectories(top, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path)).Order(StringComparer.Ordinal)] : [],
            Directory.Exists(top) ? Directory.GetFiles(top, "*", SearchOption.AllDirectories).ToDictionary(path => Path.GetRelativePath(root, path), File.ReadAllBytes) : []);
    }

    /// <summary>What differs, for people; empty when nothing does.</summary>
    public IEnumerable<string> Differences(Layout other)
    {
        foreach (string directory in Directories.Except(other.Directories).Concat(other.Directories.Except(Directories)))
        {
            yield return $"directory {directory} is in one only";
        }

        foreach (string path in Files.Keys.Union(other.Files.Keys).Order(StringComparer.Ordinal))
        {
            byte[]? here = Files.GetValueOrDefault(path), there = other.Files.GetValueOrDefault(path);
            if (here is null || there is null || !here.AsSpan().SequenceEqual(there))
            {
                yield return $"{path}: {(here is null ? "none" : $"{here.Length} bytes")} and {(there is null ? "none" : $"{there.Length} bytes")}{(here is not null && there is not null ? $", the same up to {here.AsSpan().CommonPrefixLength(there)}" : "")}";
            }
        }
    }
}
