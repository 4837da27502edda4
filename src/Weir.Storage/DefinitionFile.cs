using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Storage;

/// <summary>
/// The definition of a stream or view on disk: a JSON object whose last member is a checksum over every byte before it. JSON alone notices
/// few of the bits that can flip in it: an <c>id</c> that became an <c>ie</c> is another rule, and counts everything twice.
/// <code>
/// {
///   …,
///   "checksum": "9a0b1c2d"       CRC-32C, lower case, of the bytes up to the comma, it included
/// }
/// </code>
/// The engine ignores the member. What stands there is exactly what was written, white space and all, or nothing is read.
/// </summary>
internal static class DefinitionFile
{
    private const string Label = "\n  \"checksum\": \"";
    private const string End = "\"\n}";
    private static readonly int s_sealBytes = Label.Length + "9a0b1c2d".Length + End.Length;

    /// <param name="definition">A JSON object with at least one member.</param>
    public static void Write(IDisk disk, string path, ReadOnlySpan<byte> definition)
    {
        byte[] content = [.. definition[..definition.LastIndexOf((byte)'}')].TrimEnd(" \r\n\t"u8), (byte)','];
        AtomicFile.Write(disk, path, [.. content, .. Seal(content)]);
    }

    /// <returns>The object, its checksum included; null when there is no file.</returns>
    /// <exception cref="WeirException"><see cref="ErrorCode.NotADataDirectory"/>: the file is damaged, or was edited. Restore it from a copy.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    public static byte[]? TryRead(IDisk disk, string path)
    {
        byte[]? bytes = AtomicFile.TryRead(disk, path);
        if (bytes is not null && (bytes.Length < s_sealBytes || !bytes.AsSpan(bytes.Length - s_sealBytes).SequenceEqual(Seal(bytes.AsSpan(0, bytes.Length - s_sealBytes)))))
        {
            throw new WeirException(ErrorCode.NotADataDirectory, $"{path} does not match its checksum: it is damaged, or was edited. Restore it from a copy.");
        }

        return bytes;
    }

    private static byte[] Seal(ReadOnlySpan<byte> content) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Label}{Crc32C.Compute(content):x8}{End}"));
}
