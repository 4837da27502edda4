using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.Engine.Tests.Streams;

/// <summary>Receipts through key files, against a reading of the whole log that knows only JSON and headers.</summary>
public sealed class ReceiptTests
{
    public static TheoryData<string> Definitions =>
    [
        """{"partitions":3,"key":"user","id":"id","claim":{"by":"user"},"on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":"user","claim":{"by":"user","keep":"last"}}""",
        """{"partitions":2,"key":"user","id":"id","on-invalid":"dead-letter"}""",
        """{"partitions":3,"id":"id"}""",
        """{"partitions":2,"key":["user","choice"],"delivery":"exactly-once"}""",
        """{"partitions":2,"key":"user"}""",
    ];

    [Theory]
    [MemberData(nameof(Definitions))]
    public async Task Key_files_find_what_a_reading_of_the_whole_log_finds(string definition)
    {
        await using NodeFixture fixture = await StartAsync();
        EventStream stream = await fixture.DefineAsync("s", definition);
        await SendManyAsync(stream, seed: 1);
        AssertFindsAll(stream);
        Assert.True(stream.PartitionList.All(partition => partition.Log!.Segments.Count > 2), "There are no segments to look in.");

        fixture.Node.MakeKeyFiles();
        Assert.Equal(SealedSegments(stream), KeyFiles(fixture).Length);
        AssertFindsAll(stream);

        stream = await fixture.RestartAsync("s");
        await SendManyAsync(stream, seed: 2);
        AssertFindsAll(stream);
        fixture.Node.MakeKeyFiles();
        Assert.Equal(SealedSegments(stream), KeyFiles(fixture).Length);
        AssertFindsAll(stream);
    }

    [Fact]
    public async Task A_key_file_that_is_missing_or_damaged_is_passed_over_and_made_again()
    {
        await using NodeFixture fixture = await StartAsync();
        EventStream stream = await fixture.DefineAsync("s", Definitions.First().Data);
        await SendManyAsync(stream, seed: 1);
        fixture.Node.MakeKeyFiles();
        var random = new Random(3);
        for (int n = 0; n < 8; n++)
        {
            string file = random.GetItems(KeyFiles(fixture), 1)[0];
            byte[] good = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            File.Delete(file);
            if (n % 4 > 0)
            {
                byte[] bad = [.. good];
                bad[n % 4 == 1 ? random.Next(64) : random.Next(64, bad.Length)] ^= 0x20;
                await File.WriteAllBytesAsync(file, n % 4 == 3 ? bad[..random.Next(bad.Length)] : bad, TestContext.Current.CancellationToken);
            }

            AssertFindsAll(stream);
            Assert.Contains(stream.PartitionList, partition => partition.Keys.HasWork);
            fixture.Node.MakeKeyFiles();
            Assert.Equal(good, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
            AssertFindsAll(stream);
        }
    }

    [Fact]
    public async Task Sealed_segments_are_not_read_when_their_key_files_say_that_there_is_nothing()
    {
        await using NodeFixture fixture = await StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","id":"id"}""");
        await SendManyAsync(stream, seed: 1);
        fixture.Node.MakeKeyFiles();
        string owner = Expected(stream).First(one => one.Owner is not null).Owner!;
        PartitionLog log = stream.PartitionList[0].Log!;
        Assert.NotEmpty(Find(stream, ReceiptBy.Owner, owner));

        foreach (SegmentInfo segment in log.Segments.Where(segment => segment.IsSealed))
        {
            using var empty = new KeyFileWriter(LinuxDisk.Instance, log.Directory, log.Identity, segment.BaseOffset, segment.End - segment.BaseOffset);
            empty.Commit(() => { });
        }

        Assert.All(Find(stream, ReceiptBy.Owner, owner), offset => Assert.True(offset.Offset >= log.SealedEnd.Value));
    }

    [Fact]
    public async Task Retention_deletes_the_key_files_with_their_segments()
    {
        await using NodeFixture fixture = await StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","id":"id","claim":{"by":"user"},"retention":"32KiB"}""");
        await SendManyAsync(stream, seed: 1);
        fixture.Node.MakeKeyFiles();
        int before = KeyFiles(fixture).Length;

        fixture.Node.RetainOnce();

        Assert.True(stream.Partitions[0].LogStart > 0);
        Assert.InRange(KeyFiles(fixture).Length, 1, before - 1);
        Assert.Equal(SealedSegments(stream), KeyFiles(fixture).Length);
        AssertFindsAll(stream);
        fixture.Node.MakeKeyFiles();
        Assert.Equal(SealedSegments(stream), KeyFiles(fixture).Length);
    }

    [Fact]
    public async Task A_disk_that_takes_no_key_file_costs_nothing_but_time()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await StartAsync(disk);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","id":"id"}""");
        await SendManyAsync(stream, seed: 1);
        disk.FailWhen(one => one.Path.Contains(".keys", StringComparison.Ordinal), 28);

        fixture.Node.MakeKeyFiles();

        await fixture.WaitForAsync(EngineEvent.KeyFileFailed);
        AssertFindsAll(stream);
        Assert.Equal(PartitionState.Serving, stream.Partitions[0].State);
        disk.ClearFaults();
        fixture.Node.MakeKeyFiles();
        Assert.False(stream.PartitionList[0].Keys.HasWork);
        AssertFindsAll(stream);
    }

    // The clock stands still, so that key files are made when a test says so.
    private static Task<NodeFixture> StartAsync(IDisk? disk = null) => NodeFixture.StartAsync(
        directory => new NodeOptions { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(10), SegmentBytes = 4 << 10 },
        new FakeTime(),
        disk);

    private static string[] KeyFiles(NodeFixture fixture) => Directory.GetFiles(fixture.Directory, "*.keys*", SearchOption.AllDirectories);

    private static int SealedSegments(EventStream stream) => stream.PartitionList.Sum(partition => partition.Log!.Segments.Count(segment => segment.IsSealed));

    private static async Task SendManyAsync(EventStream stream, int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 60; round++)
        {
            using IngestBatch batch = stream.NewBatch();
            for (int i = 0; i < 12; i++)
            {
                string id = random.Next(6) switch { 0 => "", 1 => "\"id\":null,", 2 => $"\"id\":{random.Next(80)}.0,", _ => $"\"id\":\"i\\u002d{random.Next(80)}\"," };
                string user = random.Next(20) == 0 ? "7e0" : $"\"u{random.Next(40)}\"";
                string value = random.Next(30) == 0 ? $$"""{{{id}}"user":[]}""" : $$"""{{{id}}"user":{{user}},"choice":"c{{random.Next(3)}}"}""";
                batch.Add(Encoding.UTF8.GetBytes(value), Headers(random));
            }

            await batch.SubmitAsync();
        }
    }

    private static EventHeaders Headers(Random random)
    {
        string id = $"n{random.Next(60)}";
        return random.Next(8) switch
        {
            0 => EventHeaders.From([new("ce_source", "/a\"b"), new("ce_id", id)]),
            1 => EventHeaders.From([new("id", id)]),
            2 => EventHeaders.FromIdempotencyKey("k", random.Next(60)),
            3 => EventHeaders.From([new("idempotency-key", "below"), new("id", id), new("ce_id", id)]),
            _ => EventHeaders.None,
        };
    }

    private static void AssertFindsAll(EventStream stream)
    {
        IReadOnlyList<(string? Owner, string? Id, int Partition, long Offset)> expected = Expected(stream);
        foreach (IGrouping<string, (string? Owner, string? Id, int Partition, long Offset)> owner in expected.Where(one => one.Owner is not null).GroupBy(one => one.Owner!))
        {
            Assert.Equal(owner.Select(one => (one.Partition, one.Offset)), Find(stream, ReceiptBy.Owner, owner.Key));
        }

        foreach (IGrouping<string, (string? Owner, string? Id, int Partition, long Offset)> id in expected.Where(one => one.Id is not null).GroupBy(one => one.Id!))
        {
            Assert.Equal(id.Select(one => (one.Partition, one.Offset)), Find(stream, ReceiptBy.Id, id.Key));
        }

        Assert.Empty(Find(stream, ReceiptBy.Owner, "nobody"));
        Assert.Empty(Find(stream, ReceiptBy.Id, "nothing"));
    }

    private static IEnumerable<(int Partition, long Offset)> Find(EventStream stream, ReceiptBy by, string canonical) =>
        stream.FindReceipts(Encoding.UTF8.GetBytes(canonical), by, 10_000).Select(one => (one.Partition, one.Offset));

    private static IReadOnlyList<(string? Owner, string? Id, int Partition, long Offset)> Expected(EventStream stream)
    {
        List<(string?, string?, int, long)> all = [];
        bool hasIds = stream.Definition.Id is not null || stream.Definition.Delivery == Delivery.ExactlyOnce;
        foreach (PartitionStatus partition in stream.Partitions)
        {
            foreach (StoredEvent stored in stream.ReadEvents(partition.Partition, partition.LogStart, int.MaxValue).Where(one => one.Marker is null))
            {
                string? owner = stored.Key is null ? null : Encoding.UTF8.GetString(stored.Key);
                string? id = !hasIds ? null : stream.Definition.Key.Count == 0 ? owner : IdOf(stored, stream.Definition.Id is not null);
                all.Add((owner, id, stored.Partition, stored.Offset));
            }
        }

        return all;
    }

    private static string? IdOf(StoredEvent stored, bool isDeclared)
    {
        using JsonDocument value = JsonDocument.Parse(stored.Value);
        if (isDeclared && value.RootElement.TryGetProperty("id", out JsonElement id) && id.ValueKind != JsonValueKind.Null)
        {
            return id.ValueKind == JsonValueKind.String ? id.GetString() : id.GetRawText().Replace(".0", "", StringComparison.Ordinal);
        }

        string? Header(string name) => stored.Headers.FirstOrDefault(header => header.Key == name).Value;
        return Header("ce_source") is { } source && Header("ce_id") is { } eventId
            ? $"[\"{source.Replace("\"", "\\\"", StringComparison.Ordinal)}\",\"{eventId}\"]"
            : Header("id") ?? Header("idempotency-key");
    }
}
