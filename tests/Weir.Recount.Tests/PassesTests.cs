using System.Globalization;
using Weir.Core;
using Weir.Storage;

namespace Weir.Recount.Tests;

/// <summary>A log larger than the memory given is read in several passes, and the answer stays the same.</summary>
public sealed class PassesTests
{
    private const string Sql = "SELECT choice, count(*) AS n, min(_offset) AS f, latest(x) AS l FROM votes GROUP BY choice";

    [Theory]
    [InlineData("""{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}}""")]
    [InlineData("""{"partitions":2,"key":["user"],"claim":{"by":["user"],"keep":"first"}}""")]
    [InlineData("""{"partitions":2,"key":["user"],"id":"id"}""")]
    [InlineData("""{"partitions":2,"key":["user"],"id":"id","remember":50}""")]
    [InlineData("""{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"last"}}""")]
    [InlineData("""{"partitions":2,"key":["user"]}""")]
    public void The_answer_does_not_depend_on_the_number_of_passes(string definition)
    {
        using var stream = new TestStream(definition, partitions: 2);
        var random = new Random(42);
        for (int i = 0; i < 600; i++)
        {
            int user = random.Next(120);
            string value = random.Next(50) == 0
                ? "not an event"
                : string.Create(CultureInfo.InvariantCulture, $"{{\"id\":\"{random.Next(3)}\",\"user\":\"user-{user}\",\"choice\":\"{"abc"[random.Next(3)]}\",\"x\":{random.Next(5)}}}");

            // What came over Kafka may have no key of its own.
            stream.Add(random.Next(3) == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"user-{user}"), value, partition: user % 2);
        }

        RecountResult once = stream.Recount(Sql);
        foreach (int memory in (int[])[12_000, 3_000])
        {
            RecountResult again = stream.Recount(Sql, ownerMemoryBytes: memory);
            Assert.Equal(once.Verdicts, again.Verdicts);
            Assert.Equal(once.Errors, again.Errors);
            Assert.Equal(once.JsonRows(), again.JsonRows());
        }
    }

    [Theory]
    [InlineData("""{"partitions":7,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}}""")]
    [InlineData("""{"partitions":7,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"last"}}""")]
    public void The_answer_does_not_depend_on_the_number_of_threads(string definition)
    {
        using var stream = new TestStream(definition, partitions: 7);
        var random = new Random(7);
        for (int i = 0; i < 700; i++)
        {
            int user = random.Next(140);
            string value = string.Create(CultureInfo.InvariantCulture, $"{{\"id\":\"{random.Next(3)}\",\"user\":\"user-{user}\",\"choice\":\"{"abc"[random.Next(3)]}\",\"x\":{random.Next(5)}}}");

            // Every append time is there seven times, so that the order of partitions decides.
            stream.At(1_700_000_000_000 + (i / 7));
            stream.Add(string.Create(CultureInfo.InvariantCulture, $"user-{user}"), value, partition: user % 7);
        }

        const string OverPartitions = "SELECT choice, count(*) AS n, first(x) AS f, latest(_offset) AS l, sum(x) AS s FROM votes GROUP BY choice";
        RecountResult one = stream.Recount(OverPartitions, threads: 1);
        foreach ((int threads, int memory) in ((int, int)[])[(2, 1 << 20), (3, 9_000), (16, 30_000)])
        {
            RecountResult several = stream.Recount(OverPartitions, ownerMemoryBytes: memory, threads: threads);
            Assert.Equal(one.Verdicts, several.Verdicts);
            Assert.Equal(one.JsonRows(), several.JsonRows());
        }
    }

    [Fact]
    public void A_fault_in_one_partition_ends_the_recount_of_all()
    {
        using var stream = new TestStream("""{"partitions":3,"key":["user"],"id":"id"}""", partitions: 3);
        stream.Add("ada", """{"id":"1","user":"ada"}""", partition: 0);
        stream.Add("someone else", """{"id":"1","user":"bob"}""", partition: 1);
        stream.Add("eve", """{"id":"1","user":"eve"}""", partition: 2);
        foreach (int threads in (int[])[1, 3])
        {
            Assert.Equal(ErrorCode.RecountMismatch, Assert.Throws<WeirException>(() => stream.Recount("SELECT count(*) FROM votes", threads: threads)).Code);
        }
    }

    [Fact]
    public void Progress_grows_to_its_total_which_never_shrinks()
    {
        using var stream = new TestStream("""{"partitions":2,"id":"id"}""", partitions: 2);
        for (int i = 0; i < 500; i++)
        {
            stream.Add(i.ToString(CultureInfo.InvariantCulture), $$"""{"id":"{{i}}"}""", partition: i % 2);
        }

        stream.Recount("SELECT count(*) FROM votes");
        RecountProgress last = default;
        RecountRun.Run(new RecountRequest
        {
            Disk = LinuxDisk.Instance,
            DataDirectory = stream.Data,
            Sql = "SELECT count(*) FROM votes",
            Position = stream.Position,
            OwnerMemoryBytes = 10_000,
            Progress = progress =>
            {
                Assert.InRange(progress.Events, last.Events + 1, progress.TotalEvents);
                Assert.InRange(progress.TotalEvents, last.TotalEvents, long.MaxValue);
                Assert.InRange(progress.Pass, 1, progress.Passes);
                last = progress;
            },
        });
        Assert.Equal(last.TotalEvents, last.Events);
        Assert.True(last.Passes > 2);
    }

    [Fact]
    public void Only_the_prefix_that_the_position_names_is_counted_also_in_the_middle_of_a_batch()
    {
        using var stream = new TestStream("""{"partitions":2}""", partitions: 2);
        stream.AddBatch(0, Enumerable.Range(0, 10).Select(i => ((string?)null, "{\"x\":1}"u8.ToArray(), Array.Empty<(string, string)>())));
        stream.Add(null, "{\"x\":1}", 1);
        Assert.Equal(["""{"n":11}"""], stream.Recount("SELECT count(*) AS n FROM votes").JsonRows());
        Assert.Equal(["""{"n":4}"""], stream.Recount("SELECT count(*) AS n FROM votes", "votes:0=5").JsonRows());
        Assert.Equal(["""{"n":0}"""], stream.Recount("SELECT count(*) AS n FROM votes", "votes:0=0,1=0").JsonRows());
        Assert.Equal(ErrorCode.InvalidPosition, Assert.Throws<WeirException>(() => stream.Recount("SELECT count(*) FROM votes", "votes:2=1")).Code);
        Assert.Equal(ErrorCode.InvalidPosition, Assert.Throws<WeirException>(() => stream.Recount("SELECT count(*) FROM votes", "likes:0=1")).Code);
        Assert.Equal(ErrorCode.UnknownStream, Assert.Throws<WeirException>(() => stream.Recount("SELECT count(*) FROM likes", "likes:0=1")).Code);
        Assert.Throws<LogDamagedException>(() => stream.Recount("SELECT count(*) FROM votes", "votes:0=12"));
    }

    [Fact]
    public void A_log_of_many_segments_is_read_while_its_writer_goes_on()
    {
        using var stream = new TestStream("""{"partitions":1,"id":"id"}""", options: new LogOptions { SegmentBytes = 2_000 });
        string? middle = null;
        for (int i = 0; i < 300; i++)
        {
            stream.Add(i.ToString(CultureInfo.InvariantCulture), $$"""{"id":"{{i}}"}""");
            middle = i == 149 ? stream.Position : middle;
        }

        Assert.Equal(["""{"n":150}"""], stream.Recount("SELECT count(*) AS n FROM votes", middle).JsonRows());
        Assert.Equal(["""{"n":300}"""], stream.Recount("SELECT count(*) AS n FROM votes").JsonRows());
    }

    [Fact]
    public void A_flipped_bit_stops_the_recount_with_file_and_offset()
    {
        using var stream = new TestStream("""{"partitions":1,"id":"id"}""");
        for (int i = 0; i < 10; i++)
        {
            stream.Add(i.ToString(CultureInfo.InvariantCulture), $$"""{"id":"{{i}}"}""");
        }

        stream.Recount("SELECT count(*) FROM votes");
        string file = Directory.GetFiles(stream.Data, "*.log", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(file, bytes);
        LogDamagedException e = Assert.Throws<LogDamagedException>(() => stream.Recount("SELECT count(*) FROM votes"));
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
    }
}
