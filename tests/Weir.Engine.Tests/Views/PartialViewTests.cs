using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine.Tests.Views;

public sealed class PartialViewTests
{
    [Fact]
    public void Only_counted_and_replaced_records_are_seen()
    {
        ViewLog log = new("SELECT n, count(*) AS c FROM s GROUP BY n");
        byte[] verdicts = [.. Enum.GetValues<Verdict>().Select(verdict => (byte)verdict)];
        ColumnBatch batch = log.Batch(0, 1, [.. verdicts.Select(verdict => $$"""{"n":{{verdict}}}""")]);

        log[0].Apply(batch, verdicts);

        Assert.Equal("""[{"n":1,"c":1},{"n":3,"c":1}]""", log.Rows());
        Assert.Equal(verdicts.Length, log[0].End);
    }

    [Fact]
    public void The_record_that_would_make_one_group_too_many_stops_the_view_before_it()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a", maxGroups: 2);

        log.Append("""{"a":1}""", """{"a":2}""", """{"a":1}""", """{"a":3}""", """{"a":1}""");
        log.Append("""{"a":1}""");

        Assert.Equal("""[{"a":1,"c":2},{"a":2,"c":1}]""", log.Rows());
        Assert.Equal(3, log[0].End);
        Assert.Equal("s:0=3", log.Model.Position.ToString());
        Assert.Equal(new ViewStop(ErrorCode.TooManyGroups, 0, 3, "The view stopped at partition 0, offset 3: it would have more than max_groups, 2."), log.Model.Stop);
    }

    [Fact]
    public void A_sum_that_leaves_128_bits_stops_the_view_before_it_and_no_aggregate_sees_the_record()
    {
        ViewLog log = new("SELECT count(*) AS c, max(n) AS m, sum(n) AS s, count(a) AS a FROM s");

        log.Append("""{"n":100000000000000000000000000000}""", """{"n":1}""", """{"n":100000000000000000000000000000,"a":1}""", """{"n":-1,"a":1}""");

        Assert.Equal("""[{"c":2,"m":100000000000000000000000000000,"s":100000000000000000000000000001,"a":0}]""", log.Rows());
        Assert.Equal((ErrorCode.SumOverflow, 2L, 2L), (log[0].Stop?.Code, log[0].Stop?.Offset, log[0].End));
    }

    [Fact]
    public void An_error_row_is_no_overflow()
    {
        ViewLog log = new("SELECT sum(n) AS s, sum(a) AS a FROM s");

        log.Append("""{"n":100000000000000000000000000000}""", """{"n":100000000000000000000000000000,"a":"x"}""", """{"n":1}""");

        Assert.Null(log[0].Stop);
        Assert.Equal([1L], log[0].ErrorOffsets);
    }

    [Fact]
    public void A_sum_over_all_partitions_that_leaves_128_bits_stops_the_view_at_its_last_position()
    {
        ViewLog log = new("SELECT sum(n) AS s FROM s", partitions: 2);
        log.Append(0, 1, """{"n":100000000000000000000000000000}""");
        log.Publish();

        log.Append(1, 1, """{"n":100000000000000000000000000000}""");
        log.Append(0, 1, """{"n":1}""");

        Assert.Equal("""[{"s":100000000000000000000000000000}]""", log.Rows());
        Assert.Equal("s:0=1,1=0", log.Model.Position.ToString());
        Assert.Equal(ErrorCode.SumOverflow, log.Model.Stop?.Code);
    }

    [Fact]
    public void The_newest_windows_are_kept_and_older_ones_have_no_effect_any_more()
    {
        ViewLog log = new("SELECT count(*) AS c FROM s GROUP BY tumble(t, 1m)", keep: 2);

        log.Append("""{"t":0}""", """{"t":60000}""", """{"t":1}""", """{"t":180000}""", """{"t":2}""", """{"t":120000}""", """{"t":60001}""");

        Assert.Equal(
            """[{"window_start":"1970-01-01T00:02:00Z","window_end":"1970-01-01T00:03:00Z","c":1},{"window_start":"1970-01-01T00:03:00Z","window_end":"1970-01-01T00:04:00Z","c":1}]""",
            log.Rows());
        Assert.Equal(2, log[0].GroupCount);
        Assert.Equal(0, log[0].ErrorCount);
    }

    [Fact]
    public void Windows_kept_are_the_newest_of_all_partitions()
    {
        ViewLog log = new("SELECT window_start AS w, sum(t) AS t FROM s GROUP BY tumble(t, 1s)", partitions: 2, keep: 2);
        log.Append(0, 1, """{"t":1000}""", """{"t":3000}""");
        log.Publish();
        log.Append(1, 1, """{"t":2000}""", """{"t":1000}""");

        Assert.Equal(
            """[{"window_end":"1970-01-01T00:00:03Z","w":"1970-01-01T00:00:02Z","t":2000},{"window_end":"1970-01-01T00:00:04Z","w":"1970-01-01T00:00:03Z","t":3000}]""",
            log.Rows());
    }

    [Fact]
    public void Dropping_a_window_makes_room_for_groups()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a, tumble(t, 1s)", maxGroups: 2, keep: 1);

        log.Append("""{"t":1000,"a":1}""", """{"t":1000,"a":2}""", """{"t":2000,"a":1}""", """{"t":2000,"a":2}""");

        Assert.Null(log[0].Stop);
        log.Append("""{"t":2000,"a":3}""");
        Assert.Equal(ErrorCode.TooManyGroups, log[0].Stop?.Code);
    }

    [Fact]
    public void Windows_below_a_second_are_written_with_milliseconds_all_of_them()
    {
        ViewLog log = new("SELECT count(*) AS c FROM s GROUP BY tumble(t, 500ms)");

        log.Append("""{"t":0}""", """{"t":-1}""");

        Assert.Equal(
            """[{"window_start":"1969-12-31T23:59:59.500Z","window_end":"1970-01-01T00:00:00.000Z","c":1},{"window_start":"1970-01-01T00:00:00.000Z","window_end":"1970-01-01T00:00:00.500Z","c":1}]""",
            log.Rows());
    }

    [Theory]
    [InlineData("\"0001-01-01T00:00:00Z\"", true)]
    [InlineData("\"0001-01-01T00:00:00+00:01\"", false)]
    [InlineData("\"9999-12-31T23:58:59Z\"", true)]
    [InlineData("\"9999-12-31T23:59:00Z\"", false)]
    [InlineData("1e30", false)]
    [InlineData("1e3", true)]
    [InlineData("0.5", false)]
    [InlineData("null", false)]
    [InlineData("\"2026-11-20\"", false)]
    [InlineData("\"\\u0032026-11-20T20:00:00Z\"", true)]
    public void A_time_that_is_none_or_in_a_window_that_cannot_be_written_is_an_error_row(string time, bool isTime)
    {
        ViewLog log = new("SELECT count(*) AS c FROM s GROUP BY tumble(t, 1m)");

        log.Append($$"""{"t":{{time}}}""");

        Assert.Equal(isTime ? 0 : 1, log[0].ErrorCount);
        Assert.Equal(isTime ? 1 : 0, log[0].GroupCount);
    }

    [Fact]
    public void Error_rows_are_counted_all_and_listed_up_to_a_bound()
    {
        ViewLog log = new("SELECT sum(n) AS s FROM s");
        string[] bad = [.. Enumerable.Repeat("""{"n":"x"}""", ViewLimits.MaxListedErrors + 5)];

        log.Append("""{"n":1}""");
        log.Append(bad);

        Assert.Equal("""[{"s":1}]""", log.Rows());
        Assert.Equal(ViewLimits.MaxListedErrors + 5, log.Model.ErrorCount);
        Assert.Equal(Enumerable.Range(1, ViewLimits.MaxListedErrors).Select(offset => (0, (long)offset)), log.Model.ErrorOffsets());
    }

    [Fact]
    public void Long_keys_and_values_half_surrogates_and_doubled_fields_are_error_rows_only_where_they_are_needed()
    {
        string longText = new('x', ViewLimits.MaxValueBytes + 1);
        ViewLog log = new("SELECT a, count(b) AS b, max(c) AS c FROM s WHERE d IS NOT NULL OR e <> 1 GROUP BY a");

        log.Append(
            $$"""{"a":"{{longText}}","d":1}""",
            $$"""{"b":"{{longText}}","d":1}""",
            $$"""{"c":"{{longText}}","d":1}""",
            """{"a":"\ud800","d":1}""",
            """{"b":"\ud800","d":"\ud800"}""",
            """{"b":1,"b":2,"d":1}""",
            """{"d":1,"e":1e400}""",
            """{"d":1,"e":"1e400"}""");

        Assert.Equal([0L, 2L, 3L, 5L, 6L], log[0].ErrorOffsets);
        Assert.Equal("""[{"a":null,"b":2,"c":null}]""", log.Rows());
    }

    [Fact]
    public void A_key_of_exactly_the_longest_length_is_a_key()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");

        log.Append($$"""{"a":"{{new string('x', ViewLimits.MaxGroupKeyBytes - 4)}}"}""", $$"""{"a":"{{new string('x', ViewLimits.MaxGroupKeyBytes - 3)}}"}""");
        log.Append($$"""{"a":"{{string.Concat(Enumerable.Repeat("\\n", (ViewLimits.MaxGroupKeyBytes - 4) / 2))}}"}""", $$"""{"a":"{{string.Concat(Enumerable.Repeat("\\n", (ViewLimits.MaxGroupKeyBytes - 2) / 2))}}"}""");

        Assert.Equal((2, 2L), (log[0].GroupCount, log[0].ErrorCount));
    }

    [Fact]
    public void Metadata_are_columns_and_must_be_UTF_8_where_their_text_is_needed()
    {
        ViewLog log = new("SELECT _key, ce.type, count(*) AS c, max(_time) AS t, max(_offset) AS o FROM s GROUP BY _key, ce.type");
        RecordBatchWriter writer = new();
        writer.Begin(1);
        EventHeaders headers = EventHeaders.From([new("ce_type", "quo\"te")]);
        writer.Append(hasKey: true, "k"u8, "{}"u8, headers.Wire, headers.Count);
        writer.Append(hasKey: false, default, "{}"u8);
        writer.Append(hasKey: true, [0xff], "{}"u8);
        ColumnBatch batch = log.Extract(writer, partition: 0, timeMs: 77);

        log[0].Apply(batch, [1, 1, 1]);

        Assert.Equal("""[{"_key":"k","ce_type":"quo\"te","c":1,"t":77,"o":0},{"_key":null,"ce_type":null,"c":1,"t":77,"o":1}]""", log.Rows());
        Assert.Equal([2L], log[0].ErrorOffsets);
    }

    [Fact]
    public void A_replaced_record_is_taken_back()
    {
        ViewLog log = new("SELECT a, count(*) AS c, sum(n) AS s, avg(n) AS m FROM s WHERE w IS NULL GROUP BY a", keepsLast: true);
        ColumnBatch batch = log.Batch(0, 1, """{"a":"x","n":1}""", """{"a":"x","n":2}""", """{"a":"y","n":4}""", """{"a":"y","w":1}""", """{"a":"x","n":"bad"}""", """{"a":"z"}""");
        for (int i = 0; i < 4; i++)
        {
            log[0].Apply(batch, i);
        }

        Assert.Equal("""[{"a":"x","c":2,"s":3,"m":1.5},{"a":"y","c":1,"s":4,"m":4}]""", log.Rows());

        log[0].Retract(batch, record: 2, replacedBy: 4);
        log[0].Apply(batch, 4);
        log[0].Retract(batch, record: 4, replacedBy: 5);
        log[0].Retract(batch, record: 3, replacedBy: 5);
        log[0].Retract(batch, record: 0, replacedBy: 5);
        log[0].Apply(batch, 5);
        LiveClient client = new(log.Model);
        client.Read();

        Assert.Equal("""[{"a":"x","c":1,"s":2,"m":2},{"a":"z","c":1,"s":null,"m":null}]""", log.Rows());
        client.Read();
        Assert.Equal(LiveClient.Normalise(ViewLog.RowsOf(log.Model)), client.Rows());
        Assert.Equal((2, 6L), (log[0].GroupCount, log[0].End));
    }

    [Fact]
    public void With_replacements_the_rows_are_those_of_the_records_that_stand()
    {
        Prop.ForAll<byte[]>(choices =>
        {
            ViewLog log = new("SELECT a, count(*) AS c, sum(n) AS s, count(n) AS n FROM s GROUP BY a", keepsLast: true);
            Dictionary<int, (ColumnBatch Batch, string Json, long Offset)> standing = [];
            for (int i = 0; i + 2 < choices.Length; i += 3)
            {
                int owner = choices[i] % 4;
                string json = $$"""{"a":{{choices[i + 1] % 3}},"n":{{(choices[i + 2] % 5 == 0 ? "null" : choices[i + 2])}}}""";
                ColumnBatch batch = log.Batch(0, 1, json);
                if (standing.TryGetValue(owner, out var before))
                {
                    log[0].Retract(before.Batch, record: 0, replacedBy: batch.BaseOffset);
                }

                log[0].Apply(batch, record: 0);
                standing[owner] = (batch, json, batch.BaseOffset);
                if (choices[i] > 128)
                {
                    log.Publish();
                }
            }

            (List<string> rows, _) = NaiveView.Compute(log.Definition.Sql, standing.Values.Select(one => new NaiveView.Event(one.Json, 0, one.Offset, 1)));
            return log.Rows() == "[" + string.Join(',', rows) + "]";
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(150));
    }

    [Theory]
    [InlineData("SELECT min(a) FROM s", "min(a)")]
    [InlineData("SELECT latest(a) FROM s", "latest(a)")]
    [InlineData("SELECT count(*) FROM s GROUP BY tumble(1m)", "tumble")]
    public void What_cannot_be_taken_back_is_not_supported_over_keep_last(string sql, string part)
    {
        SqlException error = Assert.Throws<SqlException>(() => new ViewLog(sql, keepsLast: true));

        Assert.Equal((ErrorCode.SqlNotSupportedYet, part + " over a stream with keep: last"), (error.Code, error.Found));
    }

    [Fact]
    public void The_logical_hash_is_that_of_the_content_not_of_its_order()
    {
        const string sql = "SELECT a, count(*) AS c, latest(b) AS b FROM s GROUP BY a";
        ViewLog one = new(sql);
        ViewLog other = new(sql);
        one.Append("""{"a":1,"b":"x"}""", """{"a":2,"b":{"y":1}}""");
        other[0] = new PartialView(other.Plan, 0, hashSeed: 12345);
        other.Append("""{"a":1.0,"b":"x"}""", """{"a":2e0,"b":{ "y" : 1 }}""");
        UInt128 hash = one[0].LogicalHash();

        Assert.Equal(hash, other[0].LogicalHash());
        other.Append("""{"a":1}""");
        Assert.NotEqual(hash, other[0].LogicalHash());
    }

    [Fact]
    public void A_snapshot_that_is_cut_or_of_another_format_is_refused()
    {
        ViewLog log = new("SELECT a, count(*) AS c, latest(b) AS b, sum(n) AS s FROM s GROUP BY a");
        log.Append("""{"a":1,"b":"x","n":5}""", """{"a":"y","b":[1],"n":"bad"}""");
        byte[] section = ViewLog.SectionOf(log[0]);

        Assert.NotNull(PartialView.ReadFrom(section, log.Plan, 0, 1));
        for (int length = 0; length < section.Length; length++)
        {
            Assert.Null(PartialView.ReadFrom(section.AsSpan(0, length), log.Plan, 0, 1));
        }

        Assert.Null(PartialView.ReadFrom([.. section, 0], log.Plan, 0, 1));
        Assert.Null(PartialView.ReadFrom([(byte)(section[0] + 2), .. section[1..]], log.Plan, 0, 1));
    }

    [Fact]
    public void A_copy_has_the_groups_that_were_dropped_after_it_began_and_none_that_took_their_place()
    {
        ViewLog log = new("SELECT choice, count(*) AS c FROM s GROUP BY tumble(1m), choice", keep: 1);
        log.Append(0, 1_000, """{"choice":"a"}""", """{"choice":"b"}""");
        UInt128 before = log[0].LogicalHash();

        log[0].BeginCopy();
        log.Append(0, 61_000, """{"choice":"c"}""", """{"choice":"d"}""", """{"choice":"e"}""");
        PartialView copy = PartialView.ReadFrom(ViewLog.RestOf(log[0]), log.Plan, 0, 1)!;
        Assert.Equal(before, copy.LogicalHash());

        // The indexes of a and b are free now, and taken again while the next copy is under way.
        log.Append(0, 121_000, """{"choice":"f"}""");
        before = log[0].LogicalHash();
        log[0].BeginCopy();
        log.Append(0, 121_000, """{"choice":"g"}""", """{"choice":"h"}""");
        copy = PartialView.ReadFrom(ViewLog.RestOf(log[0]), log.Plan, 0, 1)!;
        Assert.Equal(before, copy.LogicalHash());
    }

    /// <summary>A piece of 64 bytes stands for four groups. The copy ended where four of them had nothing to give, and the section could not be read.</summary>
    [Fact]
    public void A_copy_goes_on_behind_groups_that_were_copied_when_they_changed()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        string[] events = [.. Enumerable.Range(0, 40).Select(a => $$"""{"a":{{a}}}""")];
        log.Append(events);
        UInt128 before = log[0].LogicalHash();
        log[0].BeginCopy();
        MemoryStream section = new();
        section.Write(log[0].CopyNext(pieceBytes: 64)!);

        log.Append(events.AsSpan(4, 20));
        section.Write(log[0].CopyNext(pieceBytes: 64)!);
        section.Write(ViewLog.RestOf(log[0]));

        Assert.Equal(before, PartialView.ReadFrom(section.ToArray(), log.Plan, 0, 1)?.LogicalHash());
    }

    [Fact]
    public void A_copy_goes_on_behind_groups_that_are_free()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY tumble(1m), a", keep: 1);
        log.Append(0, 1_000, [.. Enumerable.Range(0, 40).Select(a => $$"""{"a":{{a}}}""")]);
        log.Append(0, 61_000, """{"a":1}""");

        Assert.Equal(log[0].LogicalHash(), PartialView.ReadFrom(ViewLog.SectionOf(log[0]), log.Plan, 0, 1)?.LogicalHash());
    }

    [Fact]
    public void A_stopped_view_is_stopped_after_a_restart()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a", maxGroups: 1);
        log.Append("""{"a":1}""", """{"a":2}""");
        byte[] section = ViewLog.SectionOf(log[0]);
        PartialView restored = PartialView.ReadFrom(section, log.Plan, 0, 1)!;

        restored.Advance(100);

        Assert.Equal((log[0].Stop, 1L), (restored.Stop, restored.End));
    }

    [Fact]
    public void A_record_of_a_known_group_allocates_nothing()
    {
        ViewLog log = new("SELECT choice, count(*) AS c, sum(n) AS s, latest(t) AS l, min(t) AS f FROM s WHERE n > 0 GROUP BY choice");
        string[] events = [.. Enumerable.Range(0, 1_000).Select(i => $$"""{"choice":"c{{i % 10}}","n":{{i + 1}},"t":"t{{i:D4}}"}""")];
        byte[] verdicts = new byte[events.Length];
        Array.Fill(verdicts, (byte)Verdict.Counted);
        ColumnBatch[] batches = [.. Enumerable.Range(0, 6).Select(_ => log.Batch(0, 1, events))];
        foreach (ColumnBatch batch in batches.AsSpan(0, 3))
        {
            log[0].Apply(batch, verdicts);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (ColumnBatch batch in batches.AsSpan(3))
        {
            log[0].Apply(batch, verdicts);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_group_table_is_a_dictionary()
    {
        Prop.ForAll<byte[]>(choices =>
        {
            GroupTable table = new(seed: 3);
            Dictionary<string, int> expected = [];
            for (int i = 0; i + 1 < choices.Length; i += 2)
            {
                string name = new('k', choices[i] % 40);
                byte[] key = Encoding.ASCII.GetBytes(name);
                ulong hash = table.Hash(key);
                Assert.Equal(expected.GetValueOrDefault(name, -1), table.Find(key, hash));
                if (!expected.TryGetValue(name, out int index))
                {
                    expected.Add(name, table.Add(key, hash));
                }
                else if (choices[i + 1] % 2 == 0)
                {
                    table.Remove(index);
                    expected.Remove(name);
                }

                Assert.Equal(expected.Count, table.Count);
            }

            return expected.All(one => table.Find(Encoding.ASCII.GetBytes(one.Key), table.Hash(Encoding.ASCII.GetBytes(one.Key))) == one.Value)
                && expected.Values.Distinct().Count() == expected.Count;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(400));
    }

    [Fact]
    public void A_group_hash_depends_on_every_byte_and_on_the_length()
    {
        HashSet<ulong> hashes = [];
        for (int length = 0; length <= 70; length++)
        {
            byte[] key = new byte[length];
            Assert.True(hashes.Add(GroupHash.Of(key, 1)));
            for (int i = 0; i < length; i++)
            {
                key[i] = 1;
                Assert.True(hashes.Add(GroupHash.Of(key, 1)), $"byte {i} of {length}");
                key[i] = 0;
            }
        }
    }
}
