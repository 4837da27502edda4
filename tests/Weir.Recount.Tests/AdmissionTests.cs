using System.Text;
using Weir.Core;

namespace Weir.Recount.Tests;

/// <summary>The rules of admission, one log each. Verdicts are counted, duplicate, replaced, taken, closed, invalid.</summary>
public sealed class AdmissionTests
{
    private const string IdAndClaim = """{"partitions":1,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}}""";
    private const string ClaimOnly = """{"partitions":1,"key":["user"],"claim":{"by":["user"],"keep":"first"}}""";
    private const string IdOnly = """{"partitions":1,"id":"id"}""";
    private const string KeyAndId = """{"partitions":1,"key":["user"],"id":"id"}""";
    private const string KeepLast = """{"partitions":1,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"last"}}""";
    private const string KeepLastWithoutId = """{"partitions":1,"key":["user"],"claim":{"by":["user"],"keep":"last"}}""";

    [Fact]
    public void A_claim_is_given_to_the_first_event_its_retry_is_a_duplicate_and_another_is_taken()
    {
        using var stream = new TestStream(IdAndClaim);
        stream.Add("ada", """{"id":"1","user":"ada","choice":"a"}""");
        stream.Add("ada", """{"id":"1","user":"ada","choice":"b"}""");
        stream.Add("ada", """{"id":"2","user":"ada","choice":"a"}""");
        stream.Add("bob", """{"id":"1","user":"bob","choice":"a"}""");
        Assert.Equal("2 1 0 1 0 0", stream.Verdicts());
        Assert.Equal(["""{"choice":"a","n":2}"""], stream.Rows("SELECT choice, count(*) AS n FROM votes GROUP BY choice"));
    }

    [Fact]
    public void Without_an_id_the_same_payload_is_a_retry()
    {
        using var stream = new TestStream(ClaimOnly);
        stream.Add("ada", """{"user":"ada","choice":"a"}""");
        stream.Add("ada", """{"user":"ada","choice":"a"}""");
        stream.Add("ada", """{"user":"ada", "choice":"a"}""");
        Assert.Equal("1 1 0 1 0 0", stream.Verdicts());
    }

    [Fact]
    public void Without_an_id_the_headers_tell_a_retry_too()
    {
        using var stream = new TestStream(ClaimOnly);
        stream.Add("ada", """{"user":"ada","choice":"a"}""", 0, ("id", "7"));
        stream.Add("ada", """{"user":"ada","choice":"b"}""", 0, ("id", "7"));
        stream.Add("ada", """{"user":"ada","choice":"b"}""", 0, ("idempotency-key", "7"));
        Assert.Equal("1 1 0 1 0 0", stream.Verdicts());
    }

    [Fact]
    public void An_id_counts_once_and_is_the_key_where_there_is_none()
    {
        using var stream = new TestStream(IdOnly);
        stream.Add("1", """{"id":"1"}""");
        stream.Add("1", """{"id":1}""");
        stream.Add("1", """{"id":1.0}""");
        stream.Add("2", """{"id":"2"}""");
        Assert.Equal("2 2 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void The_same_id_under_another_key_is_the_same_event_only_within_its_key()
    {
        using var stream = new TestStream(KeyAndId);
        stream.Add("ada", """{"id":"1","user":"ada"}""");
        stream.Add("bob", """{"id":"1","user":"bob"}""");
        stream.Add("bob", """{"id":"1","user":"bob"}""");
        Assert.Equal("2 1 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void Identities_of_different_tags_never_meet()
    {
        using var stream = new TestStream("""{"partitions":1,"delivery":"exactly-once"}""");
        stream.Add("x", "{}", 0, ("id", "x"));
        stream.Add("x", "{}", 0, ("idempotency-key", "x"));
        stream.Add("[\"x\",\"y\"]", "{}", 0, ("ce_source", "x"), ("ce_id", "y"));
        stream.Add("[\"x\",\"y\"]", "{}", 0, ("id", "[\"x\",\"y\"]"));
        stream.Add("x", "{}", 0, ("id", "x"), ("idempotency-key", "another"));
        stream.Add("x", "{}", 0, ("idempotency-key", "x"));
        Assert.Equal("4 2 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void The_id_field_wins_over_every_header_and_a_null_one_does_not()
    {
        using var stream = new TestStream(KeyAndId);
        stream.Add("ada", """{"id":"1","user":"ada"}""", 0, ("id", "h"), ("ce_source", "s"), ("ce_id", "c"));
        stream.Add("ada", """{"id":"1","user":"ada"}""");
        stream.Add("ada", """{"id":null,"user":"ada"}""", 0, ("id", "1"));
        stream.Add("ada", """{"user":"ada"}""", 0, ("id", "1"));
        Assert.Equal("2 2 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void An_event_without_any_identity_is_invalid_where_one_is_required()
    {
        using var stream = new TestStream(KeyAndId);
        stream.Add("ada", """{"user":"ada"}""");
        Assert.Equal("0 0 0 0 0 1", stream.Verdicts());
        using var forced = new TestStream("""{"partitions":1,"delivery":"exactly-once"}""");
        forced.Add(null, "{}");
        Assert.Equal("0 0 0 0 0 1", forced.Verdicts());
    }

    [Fact]
    public void Without_id_and_claim_everything_counts()
    {
        using var stream = new TestStream("""{"partitions":1,"key":["user"]}""");
        stream.Add("ada", """{"user":"ada"}""", 0, ("id", "1"));
        stream.Add("ada", """{"user":"ada"}""", 0, ("id", "1"));
        Assert.Equal("2 0 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void An_identity_that_is_no_longer_remembered_counts_again()
    {
        using var stream = new TestStream("""{"partitions":1,"id":"id","remember":2}""");
        stream.Add("a", """{"id":"a"}"""); // offset 1
        stream.Add("b", """{"id":"b"}"""); // 2
        stream.Add("a", """{"id":"a"}"""); // 3: 1 is not below 3 - 2
        stream.Add("a", """{"id":"a"}"""); // 4: 1 is below 4 - 2
        stream.Add("a", """{"id":"a"}"""); // 5
        Assert.Equal("3 2 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void The_last_event_replaces_the_one_before_and_a_late_retry_of_that_brings_nothing_back()
    {
        using var stream = new TestStream(KeepLast);
        stream.Add("ada", """{"id":"1","user":"ada","choice":"a"}""");
        stream.Add("bob", """{"id":"1","user":"bob","choice":"a"}""");
        stream.Add("ada", """{"id":"2","user":"ada","choice":"b"}""");
        stream.Add("ada", """{"id":"1","user":"ada","choice":"a"}""");
        stream.Add("ada", """{"id":"2","user":"ada","choice":"b"}""");
        Assert.Equal("2 2 1 0 0 0", stream.Verdicts());
        Assert.Equal(
            ["""{"choice":"a","n":1}""", """{"choice":"b","n":1}"""],
            stream.Rows("SELECT choice, count(*) AS n FROM votes GROUP BY choice"));
    }

    [Fact]
    public void Keeping_the_last_without_an_id_compares_with_the_current_payload_only()
    {
        using var stream = new TestStream(KeepLastWithoutId);
        stream.Add("ada", """{"user":"ada","choice":"a"}""");
        stream.Add("ada", """{"user":"ada","choice":"a"}""");
        stream.Add("ada", """{"user":"ada","choice":"b"}""");
        stream.Add("ada", """{"user":"ada","choice":"a"}""");
        Assert.Equal("1 1 2 0 0 0", stream.Verdicts());
        Assert.Equal(["""{"choice":"a","n":1}"""], stream.Rows("SELECT choice, count(*) AS n FROM votes GROUP BY choice"));
    }

    [Fact]
    public void Nothing_counts_before_the_open_marker_or_after_the_close_marker_and_closed_comes_before_invalid()
    {
        using var stream = new TestStream("""{"partitions":1,"id":"id","opens":"2026-11-20T20:00:00Z"}""");
        stream.Add("1", """{"id":"1"}""");
        stream.Add(null, "nonsense");
        stream.Open();
        stream.Add("1", """{"id":"1"}""");
        stream.Close();
        stream.Add("2", """{"id":"2"}""");
        stream.Add("1", """{"id":"1"}""");
        stream.Open();
        stream.Add("2", """{"id":"2"}""");
        stream.Add("1", """{"id":"1"}""");
        Assert.Equal("2 1 0 0 4 0", stream.Verdicts());
    }

    [Fact]
    public void A_later_definition_changes_what_may_change_and_keeps_the_owners()
    {
        using var stream = new TestStream("""{"partitions":1,"id":"id","limits":{"id_bytes":3}}""");
        stream.Add("1", """{"id":"1"}""");
        stream.Add("1234", """{"id":"1234"}""");
        stream.Mark(MarkerType.Define, TestStream.DefineMarker("""{"partitions":1,"id":"id","limits":{"id_bytes":4},"opens":"2026-11-20T20:00:00Z"}"""));
        stream.Add("1234", """{"id":"1234"}""");
        stream.Add("1", """{"id":"1"}""");
        Assert.Equal("2 1 0 0 0 1", stream.Verdicts());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{\"user\":\"ada\"")]
    [InlineData("{\"user\":\"ada\"} x")]
    [InlineData("{\"user\":\"ada\"}{}")]
    [InlineData("\uFEFF{\"user\":\"ada\"}")]
    [InlineData("{'user':'ada'}")]
    [InlineData("{\"user\":\"ada\",}")]
    [InlineData("{\"user\":\"ada\",\"x\":NaN}")]
    [InlineData("{\"user\":\"ada\",\"x\":01}")]
    [InlineData("{\"user\":\"ada\",\"x\":\"\u0001\"}")]
    [InlineData("{}")]
    [InlineData("{\"user\":null}")]
    [InlineData("{\"user\":\"\"}")]
    [InlineData("{\"user\":true}")]
    [InlineData("{\"user\":{}}")]
    [InlineData("{\"user\":[\"ada\"]}")]
    [InlineData("{\"user\":1e400}")]
    [InlineData("{\"user\":12345678901234567890123456789}")]
    [InlineData("{\"user\":\"\\ud800\"}")]
    [InlineData("{\"user\":\"a\\u0000\"}")]
    [InlineData("{\"user\":\"ada\",\"user\":\"ada\"}")]
    [InlineData("{\"user\":\"ada\",\"us\\u0065r\":\"ada\"}")]
    public void What_is_not_an_event_of_the_stream_is_invalid(string value)
    {
        using var stream = new TestStream("""{"partitions":1,"key":["user"]}""");
        stream.Add(null, value);
        Assert.Equal("0 0 0 0 0 1", stream.Verdicts());
    }

    [Theory]
    [InlineData("{\"user\":\"ada\"}", "ada")]
    [InlineData(" {\"user\" : \"ada\" } ", "ada")]
    [InlineData("{\"user\":\"\\u0061da\"}", "ada")]
    [InlineData("{\"us\\u0065r\":\"ada\"}", "ada")]
    [InlineData("{\"user\":\"ada\",\"x\":\"\\ud800\",\"x\":1e400}", "ada")]
    [InlineData("{\"user\":\"\\ud83d\\ude00\"}", "😀")]
    [InlineData("{\"user\":-0.0}", "0")]
    [InlineData("{\"user\":1.50e1}", "15")]
    [InlineData("{\"user\":0.00010}", "0.0001")]
    [InlineData("{\"user\":-12e-3}", "-0.012")]
    [InlineData("{\"user\":9999999999999999999999999999}", "9999999999999999999999999999")]
    public void A_key_is_the_text_of_a_string_or_the_exact_text_of_a_number(string value, string key)
    {
        using var stream = new TestStream("""{"partitions":1,"key":["user"]}""");
        stream.Add(key, value);
        Assert.Equal("1 0 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void A_key_of_several_fields_is_a_JSON_array()
    {
        using var stream = new TestStream("""{"partitions":1,"key":["year","a.b","c[1]"]}""");
        stream.Add("""[1957,"q\"\\\n\u0001é",2.5]""", """{"year":1957.0,"a":{"b":"q\"\\\n\u0001\u00e9"},"c":[0,2.50]}""");
        Assert.Equal("1 0 0 0 0 0", stream.Verdicts());
    }

    [Fact]
    public void A_record_under_a_key_that_its_event_does_not_have_is_reported_not_counted()
    {
        using var stream = new TestStream(KeyAndId);
        stream.Add("bob", """{"id":"1","user":"ada"}""");
        WeirException e = Assert.Throws<WeirException>(() => stream.Verdicts());
        Assert.Equal(ErrorCode.RecountMismatch, e.Code);
        Assert.Contains("offset 1", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decimal(5,2)", "123.45", true)]
    [InlineData("decimal(5,2)", "-999.99", true)]
    [InlineData("decimal(5,2)", "1.230", true)]
    [InlineData("decimal(5,2)", "1e2", true)]
    [InlineData("decimal(5,2)", "0e99999999999999999999", true)]
    [InlineData("decimal(5,2)", "1000", false)]
    [InlineData("decimal(5,2)", "0.001", false)]
    [InlineData("decimal(5,2)", "1e400", false)]
    [InlineData("decimal(5,2)", "\"1\"", false)]
    [InlineData("decimal(5,2)", "null", true)]
    [InlineData("string", "\"x\"", true)]
    [InlineData("string", "1", false)]
    [InlineData("integer", "1e3", true)]
    [InlineData("integer", "-9223372036854775808", true)]
    [InlineData("integer", "9223372036854775808", false)]
    [InlineData("integer", "1.5", false)]
    [InlineData("integer", "1e400", false)]
    [InlineData("integer", "true", false)]
    [InlineData("time", "\"2026-11-20T20:00:00.123456789+01:00\"", true)]
    [InlineData("time", "\"2026-11-20T20:00:00\\u005a\"", true)]
    [InlineData("time", "1700000000000", true)]
    [InlineData("time", "1700000000000.5", false)]
    [InlineData("time", "\"yesterday\"", false)]
    [InlineData("boolean", "false", true)]
    [InlineData("boolean", "0", false)]
    [InlineData("string", "{}", false)]
    public void A_declared_field_has_its_type_or_is_missing(string type, string value, bool valid)
    {
        using var stream = new TestStream("""{"partitions":1,"fields":{"amount":"TYPE"}}""".Replace("TYPE", type, StringComparison.Ordinal));
        stream.Add(null, $$"""{"amount":{{value}}}""");
        stream.Add(null, """{"other":1}""");
        Assert.Equal(valid ? "2 0 0 0 0 0" : "1 0 0 0 0 1", stream.Verdicts());
    }

    [Fact]
    public void Limits_of_the_definition_hold()
    {
        using var stream = new TestStream("""{"partitions":1,"key":["k"],"id":"id","limits":{"event_bytes":40,"id_bytes":3,"key_bytes":4,"depth":2}}""");
        stream.Add("abcd", """{"k":"abcd","id":"123"}""");
        stream.Add("abcd", """{"k":"abcd","id":"1234"}""");
        stream.Add("abcde", """{"k":"abcde","id":"1"}""");
        stream.Add("a", """{"k":"a","id":"2","x":[1]}""");
        stream.Add("a", """{"k":"a","id":"3","x":[[]]}""");
        stream.Add("a", """{"k":"a","id":"4","x":"1234567890123456789"}""");
        Assert.Equal("2 0 0 0 0 4", stream.Verdicts());
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_invalid_wherever_they_stand()
    {
        using var stream = new TestStream("""{"partitions":1}""");
        stream.Add(null, [.. "{\"x\":\""u8, 0xFF, .. "\"}"u8]);
        stream.Add(null, Encoding.Latin1.GetBytes("{\"\u00e9\":1}"));
        Assert.Equal("0 0 0 0 0 2", stream.Verdicts());
    }
}
