using System.Globalization;
using Weir.Core;

namespace Weir.Storage.Segments;

/// <summary>Names of the files in a partition's directory: 20 digits of offset, so that ordinal order is offset order, and a suffix.</summary>
internal static class LogFiles
{
    public const string Log = ".log";
    public const string Index = ".index";
    public const string Verdicts = ".verdicts";
    public const string Keys = ".keys";
    public const string Snapshot = ".snapshot";
    public const string Base = ".base";
    public const string BaseCopy = ".base2";
    public const string Cut = ".cut";

    /// <summary>A file that is not finished: deleted on open.</summary>
    public const string Temporary = ".tmp";

    public static string Name(Offset offset, string suffix) => offset.Value.ToString("D20", CultureInfo.InvariantCulture) + suffix;

    public static string At(string directory, Offset offset, string suffix) => Path.Combine(directory, Name(offset, suffix));

    /// <summary>True for a name of exactly 20 digits and <paramref name="suffix"/>.</summary>
    public static bool TryParse(string name, string suffix, out Offset offset)
    {
        offset = default;
        if (name.Length != 20 + suffix.Length || !name.EndsWith(suffix, StringComparison.Ordinal)
            || !long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out long value))
        {
            return false;
        }

        offset = new Offset(value);
        return true;
    }

    /// <summary>Offsets of the files with <paramref name="suffix"/>, ascending.</summary>
    public static IEnumerable<Offset> Offsets(IReadOnlyList<string> names, string suffix)
    {
        foreach (string name in names)
        {
            if (TryParse(name, suffix, out Offset offset))
            {
                yield return offset;
            }
        }
    }

    /// <summary>Opens <paramref name="path"/> plus <see cref="Temporary"/> as a new file, in place of a leftover of that name.</summary>
    public static IDiskFile CreateTemporary(IDisk disk, string path)
    {
        string temporary = path + Temporary;
        if (disk.FileExists(temporary))
        {
            disk.Delete(temporary);
        }

        return disk.OpenFile(temporary, FileOpen.CreateNew);
    }
}
