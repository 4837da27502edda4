using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.Storage.Snapshots;
using Weir.Storage.Verdicts;

namespace Weir.Storage.Tests;

/// <summary>The drawings in docs/internals and the constants in the code say the same, and what is on disk never changes its number.</summary>
public sealed partial class FormatPagesTests
{
    public static TheoryData<string, string, Type> Pages => new()
    {
        { "segment.md", "SegmentHeader", typeof(SegmentHeader) },
        { "segment.md", "Frame", typeof(Frame) },
        { "index.md", "SegmentIndex", typeof(SegmentIndex) },
        { "verdicts.md", "VerdictFormat", typeof(VerdictFormat) },
        { "keys-file.md", "KeyFile", typeof(KeyFile) },
        { "snapshot.md", "SnapshotFormat", typeof(SnapshotFormat) },
    };

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_table_of_the_page_has_the_places_of_the_code(string page, string table, Type format)
    {
        List<(int At, string Field)> fields = Table(page, table);
        int next = 0;
        foreach ((int at, string field) in fields)
        {
            Assert.True(at >= next, $"{field} lies before the field above it.");
            next = at;
            // "previous last frame" is PreviousLastFrameAt; magic and version have places that need no name.
            string name = string.Concat(field.Split(' ').Select(word => char.ToUpperInvariant(word[0]) + word[1..])) + "At";
            if (format.GetField(name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static) is { } constant)
            {
                Assert.Equal(constant.GetRawConstantValue(), at);
            }
        }

        // And the other way round: every place in the code is on the page.
        int[] places = [.. fields.Select(field => field.At)];
        foreach (FieldInfo constant in format.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)
            .Where(field => field.IsLiteral && field.FieldType == typeof(int) && field.Name.EndsWith("At", StringComparison.Ordinal)))
        {
            Assert.Contains((int)constant.GetRawConstantValue()!, places);
        }
    }

    [Fact]
    public void Literal_bytes_of_a_segment_header()
    {
        byte[] bytes = new byte[SegmentHeader.Size];
        var header = new SegmentHeader(TestLog.Identity, new Offset(0x0102030405), PreviousLength: 0x1112131415, PreviousLastFrameBytes: 0x21222324, PreviousChecksum: 0x31323334);
        uint checksum = header.Write(bytes);
        Assert.Equal(
            "77656972" + "2e6c6f67" + "01000000" + "5f0c2a449e1b4c528d3e0123456789ab" + "03000000" + "0504030201000000" + "1514131211000000" + "24232221" + "34333231" + "00000000",
            Convert.ToHexStringLower(bytes[..60]));
        Assert.Equal(Crc32C.Compute(bytes.AsSpan(0, 60)), BitConverter.ToUInt32(bytes, 60));
        Assert.True(SegmentHeader.TryRead(bytes, TestLog.Identity, out SegmentHeader read, out uint again, out _));
        Assert.Equal(header, read);
        Assert.Equal(checksum, again);
    }

    [Fact]
    public void Literal_bytes_of_an_idle_frame()
    {
        byte[] bytes = new byte[Frame.HeaderBytes];
        Frame.Write(bytes, TestLog.Identity.FrameSeed, batch: default, previous: 0x41424344, appendTimeMs: 0x51525354, durableEnd: new Offset(0x61626364));
        Assert.Equal("5746" + "0100" + "00000000", Convert.ToHexStringLower(bytes[..8]));
        Assert.Equal("44434241" + "5453525100000000" + "6463626100000000", Convert.ToHexStringLower(bytes[12..]));
        Assert.True(Frame.TryRead(bytes, TestLog.Identity.FrameSeed, out Frame frame, out _));
        Assert.True(frame.IsIdle);
        Assert.Equal(new Offset(0x61626364), frame.DurableEnd);
    }

    [Fact]
    public void Zeros_are_no_frame_under_any_identity()
    {
        byte[] zeros = new byte[200];
        foreach (uint seed in (uint[])[TestLog.Identity.FrameSeed, 1, uint.MaxValue])
        {
            Assert.False(Frame.TryRead(zeros, seed, out _, out _));
        }

        Assert.NotEqual(0u, new LogIdentity(Guid.Empty, 0).FrameSeed);
    }

    [Fact]
    public void Numbers_on_disk_are_frozen()
    {
        Assert.Equal([("None", (ushort)0), ("Idle", (ushort)1)], Enum.GetValues<FrameFlags>().Select(flag => (flag.ToString(), (ushort)flag)));
        Assert.Equal([("Section", 1), ("Chunk", 2), ("End", 3)], Enum.GetValues<SnapshotBlock>().Select(kind => (kind.ToString(), (int)kind)));
        Assert.Equal([1u, 1u, 1u, 1u, 1u], [SegmentHeader.FormatVersion, SegmentIndex.FormatVersion, VerdictFormat.Version, KeyFile.FormatVersion, SnapshotFormat.Version]);
        Assert.Equal(1, DataDirectory.Format);
        Assert.Equal(
            [".log", ".index", ".verdicts", ".keys", ".snapshot", ".base", ".base2", ".cut", ".tmp"],
            [LogFiles.Log, LogFiles.Index, LogFiles.Verdicts, LogFiles.Keys, LogFiles.Snapshot, LogFiles.Base, LogFiles.BaseCopy, LogFiles.Cut, LogFiles.Temporary]);
    }

    [Fact]
    public void Every_file_or_folder_that_a_page_names_exists()
    {
        string root = RepositoryRoot();
        foreach (string page in (string[])["segment", "index", "recovery", "verdicts", "keys-file", "snapshot", "data-directory", "durability"])
        {
            string text = File.ReadAllText(Path.Combine(root, "docs", "internals", page + ".md"));
            MatchCollection files = SourceFile().Matches(text);
            Assert.NotEmpty(files);
            Assert.All(files, file => Assert.True(Path.Exists(Path.Combine(root, file.Groups[1].Value)), $"{page}.md names {file.Groups[1].Value}."));
        }
    }

    internal static string RepositoryRoot([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", ".."));

    private static List<(int At, string Field)> Table(string page, string table)
    {
        string[] lines = File.ReadAllLines(Path.Combine(RepositoryRoot(), "docs", "internals", page));
        int start = Array.IndexOf(lines, $"<!-- table: {table} -->");
        Assert.True(start >= 0, $"{page} has no table {table}.");
        List<(int, string)> fields = [];
        foreach (string line in lines.Skip(start + 3).TakeWhile(line => line.StartsWith('|')))
        {
            string[] cells = [.. line.Split('|').Select(cell => cell.Trim())];
            if (int.TryParse(cells[1], out int at))
            {
                fields.Add((at, cells[3]));
            }
        }

        Assert.NotEmpty(fields);
        return fields;
    }

    [GeneratedRegex("`((?:src|tests|eng)/[A-Za-z0-9./_]+)`")]
    private static partial Regex SourceFile();
}
