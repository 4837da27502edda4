using System.IO.Compression;
using System.Text;
using Weir.Cli.Send;
using Weir.Core;

namespace Weir.Cli.Tests;

public sealed class LineBatchReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-lines-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(1 << 20)]
    public async Task Bodies_put_together_are_the_file_without_its_blank_lines(int batchBytes)
    {
        string[] lines = [.. Enumerable.Range(0, 200).Select(i => i % 7 == 3 ? "  " : $"{{\"n\":{i}}}")];

        List<LineBatch> batches = await ReadAsync(Write("a.ndjson", string.Join("\n", lines)), batchBytes);

        string[] expected = [.. lines.Where(line => line.Trim().Length > 0)];
        Assert.Equal(string.Join("\n", expected) + "\n", string.Concat(batches.Select(batch => Encoding.UTF8.GetString(batch.Body))));
        int[] numbers = [.. batches.SelectMany(batch => batch.LineNumbers)];
        Assert.Equal(Enumerable.Range(1, 200).Where(number => lines[number - 1].Trim().Length > 0), numbers);
        Assert.All(batches, batch => Assert.Equal(batch.LineNumbers.Length, batch.Body.Count(b => b == '\n')));
    }

    [Fact]
    public async Task A_compressed_file_gives_the_same_bodies_and_keys_as_the_plain_one()
    {
        string text = string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"n\":{i}}}\n"));
        string plain = Write("plain.ndjson", text);
        string packed = Path.Combine(_folder, "packed.bin");
        await File.WriteAllBytesAsync(packed, Gzip(text));

        List<LineBatch> fromPlain = await ReadAsync(plain, 300);
        List<LineBatch> fromPacked = await ReadAsync(packed, 300);

        Assert.Equal(fromPlain.Select(batch => (batch.IdempotencyKey, Encoding.UTF8.GetString(batch.Body))), fromPacked.Select(batch => (batch.IdempotencyKey, Encoding.UTF8.GetString(batch.Body))));
    }

    [Fact]
    public async Task Keys_differ_between_bodies_of_one_file_and_between_files_even_where_the_lines_are_the_same()
    {
        string same = string.Concat(Enumerable.Repeat("{\"choice\":\"blue\"}\n", 100));

        List<LineBatch> one = await ReadAsync(Write("one.ndjson", same), 100);
        List<LineBatch> other = await ReadAsync(Write("other.ndjson", "{\"choice\":\"red\"}\n" + same), 100);

        string[] keys = [.. one.Concat(other).Select(batch => batch.IdempotencyKey)];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public async Task Lines_added_at_the_end_leave_the_keys_of_earlier_bodies_as_they_were()
    {
        string before = string.Concat(Enumerable.Range(0, 100).Select(i => $"{{\"n\":{i:D4}}}\n"));

        List<LineBatch> first = await ReadAsync(Write("before.ndjson", before), 130);
        List<LineBatch> second = await ReadAsync(Write("after.ndjson", before + "{\"n\":\"more\"}\n"), 130);

        Assert.Equal(first.SkipLast(1).Select(batch => batch.IdempotencyKey), second.Take(first.Count - 1).Select(batch => batch.IdempotencyKey));
    }

    [Fact]
    public async Task A_line_longer_than_a_batch_is_a_body_of_its_own()
    {
        string longLine = "{\"text\":\"" + new string('x', 5000) + "\"}";

        List<LineBatch> batches = await ReadAsync(Write("long.ndjson", $"{{}}\n{longLine}\n{{}}"), 1000);

        Assert.Equal([[1], [2], [3]], batches.Select(batch => batch.LineNumbers));
        Assert.Equal(longLine + "\n", Encoding.UTF8.GetString(batches[1].Body));
    }

    [Fact]
    public async Task Gzip_that_breaks_off_anywhere_is_an_error_with_the_file_and_the_line()
    {
        byte[] whole = Gzip(string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"n\":{i}}}\n")));
        string packed = Path.Combine(_folder, "broken.gz");
        for (int length = 2; length < whole.Length; length += length < whole.Length - 20 ? 37 : 1)
        {
            await File.WriteAllBytesAsync(packed, whole[..length]);

            var failure = await Assert.ThrowsAsync<WeirException>(() => ReadAsync(packed, 1000));

            Assert.Equal(ErrorCode.FileUnreadable, failure.Code);
            Assert.StartsWith(packed + ", after line ", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Gzip_files_one_behind_the_other_are_read_to_the_end()
    {
        string packed = Path.Combine(_folder, "two.gz");
        await File.WriteAllBytesAsync(packed, [.. Gzip("{\"n\":1}\n"), .. Gzip("{\"n\":2}\n")]);

        List<LineBatch> batches = await ReadAsync(packed, 1000);

        Assert.Equal("{\"n\":1}\n{\"n\":2}\n", Encoding.UTF8.GetString(Assert.Single(batches).Body));
    }

    private static byte[] Gzip(string text)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }

    private static async Task<List<LineBatch>> ReadAsync(string file, int batchBytes)
    {
        using LineBatchReader reader = LineBatchReader.Open(file, batchBytes);
        var batches = new List<LineBatch>();
        while (await reader.ReadAsync(CancellationToken.None) is { } batch)
        {
            batches.Add(batch);
        }

        return batches;
    }

    private string Write(string name, string text)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllText(file, text);
        return file;
    }
}
