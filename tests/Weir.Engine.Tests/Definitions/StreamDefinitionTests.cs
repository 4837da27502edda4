using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Engine.Tests;

public sealed class StreamDefinitionTests
{
    [Theory]
    [InlineData("[]", "", ErrorCode.ConfigurationType)]
    [InlineData("{", "", ErrorCode.ConfigurationSyntax)]
    [InlineData("""{"id":"a","id":"b"}""", "", ErrorCode.ConfigurationSyntax)]
    [InlineData("""{"partition":4}""", "partition", ErrorCode.UnknownConfigurationKey)]
    [InlineData("""{"partitions":0}""", "partitions", ErrorCode.ConfigurationValue)]
    [InlineData("""{"partitions":1.5}""", "partitions", ErrorCode.ConfigurationValue)]
    [InlineData("""{"partitions":"4"}""", "partitions", ErrorCode.ConfigurationValue)]
    [InlineData("""{"partitioner":"md5"}""", "partitioner", ErrorCode.ConfigurationValue)]
    [InlineData("""{"key":7}""", "key", ErrorCode.ConfigurationType)]
    [InlineData("""{"key":[]}""", "key", ErrorCode.ConfigurationType)]
    [InlineData("""{"key":["a",1]}""", "key", ErrorCode.ConfigurationType)]
    [InlineData("""{"key":""}""", "key", ErrorCode.ConfigurationValue)]
    [InlineData("""{"key":"a[x]"}""", "key", ErrorCode.ConfigurationValue)]
    [InlineData("""{"id":["a"]}""", "id", ErrorCode.ConfigurationType)]
    [InlineData("""{"claim":"user"}""", "claim", ErrorCode.ConfigurationType)]
    [InlineData("""{"key":"user","claim":{"by":"user","hold":"first"}}""", "claim.hold", ErrorCode.UnknownConfigurationKey)]
    [InlineData("""{"key":"user","claim":{"by":"user","keep":"both"}}""", "claim.keep", ErrorCode.ConfigurationValue)]
    [InlineData("""{"key":"user","claim":{"by":"id"}}""", "claim.by", ErrorCode.ClaimIsNotKey)]
    [InlineData("""{"key":["a","b"],"claim":{"by":["b","a"]}}""", "claim.by", ErrorCode.ClaimIsNotKey)]
    [InlineData("""{"claim":{"by":"user"}}""", "claim.by", ErrorCode.ClaimIsNotKey)]
    [InlineData("""{"key":"user","claim":{}}""", "claim.by", ErrorCode.ClaimIsNotKey)]
    [InlineData("""{"key":"user","claim":{"by":"user"},"delivery":"at-least-once"}""", "delivery", ErrorCode.ConfigurationValue)]
    [InlineData("""{"delivery":"twice"}""", "delivery", ErrorCode.ConfigurationValue)]
    [InlineData("""{"opens":"tomorrow"}""", "opens", ErrorCode.ConfigurationValue)]
    [InlineData("""{"closes":1795176010000}""", "closes", ErrorCode.ConfigurationType)]
    [InlineData("""{"opens":"2026-11-20T20:00:00Z","closes":"2026-11-20T20:00:00Z"}""", "closes", ErrorCode.ClosesBeforeOpens)]
    [InlineData("""{"grace":"2m"}""", "grace", ErrorCode.ConfigurationValue)]
    [InlineData("""{"grace":"-1s"}""", "grace", ErrorCode.ConfigurationValue)]
    [InlineData("""{"fields":["amount"]}""", "fields", ErrorCode.ConfigurationType)]
    [InlineData("""{"fields":{"amount":"float"}}""", "fields.amount", ErrorCode.ConfigurationValue)]
    [InlineData("""{"fields":{"amount":"decimal(29,2)"}}""", "fields.amount", ErrorCode.ConfigurationValue)]
    [InlineData("""{"fields":{"amount":"decimal(2,3)"}}""", "fields.amount", ErrorCode.ConfigurationValue)]
    [InlineData("""{"fields":{"amount":"decimal(18,10)"}}""", "fields.amount", ErrorCode.ConfigurationValue)]
    [InlineData("""{"id":"id","remember":0}""", "remember", ErrorCode.ConfigurationValue)]
    [InlineData("""{"key":"user","claim":{"by":"user"},"remember":5}""", "remember", ErrorCode.RememberWithClaim)]
    [InlineData("""{"on-invalid":"ignore"}""", "on-invalid", ErrorCode.ConfigurationValue)]
    [InlineData("""{"retention":"7"}""", "retention", ErrorCode.ConfigurationValue)]
    [InlineData("""{"retention":"0d"}""", "retention", ErrorCode.ConfigurationValue)]
    [InlineData("""{"key":"user","claim":{"by":"user","keep":"last"},"retention":"7d"}""", "retention", ErrorCode.RetentionWithKeepLast)]
    [InlineData("""{"limits":7}""", "limits", ErrorCode.ConfigurationType)]
    [InlineData("""{"limits":{"bytes":7}}""", "limits.bytes", ErrorCode.UnknownConfigurationKey)]
    [InlineData("""{"limits":{"depth":513}}""", "limits.depth", ErrorCode.ConfigurationValue)]
    [InlineData("""{"limits":{"key_bytes":4097}}""", "limits.key_bytes", ErrorCode.ConfigurationValue)]
    [InlineData("""{"limits":{"event_bytes":-1}}""", "limits.event_bytes", ErrorCode.ConfigurationValue)]
    public void A_fault_has_its_path_and_code(string json, string path, ErrorCode code)
    {
        DefinitionException refused = Assert.Throws<DefinitionException>(() => Parse(json));

        DefinitionFault fault = Assert.Single(refused.Faults);
        Assert.Equal((path, code), (fault.Path, fault.Code));
        Assert.NotEmpty(fault.Detail);
    }

    [Fact]
    public void All_faults_are_named_at_once()
    {
        DefinitionException refused = Assert.Throws<DefinitionException>(() => Parse("""{"partitions":0,"key":7,"grace":"x","nothing":1,"limits":{"depth":0,"more":1}}"""));

        Assert.Equal(["grace", "key", "limits.depth", "limits.more", "nothing", "partitions"], refused.Faults.Select(fault => fault.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_and_null_mean_the_default()
    {
        StreamDefinition bare = Parse("{}");
        StreamDefinition nulls = Parse("""{"partitions":null,"key":null,"id":null,"claim":null,"delivery":null,"opens":null,"closes":null,"grace":null,"fields":null,"remember":null,"on-invalid":null,"retention":null,"limits":null}""");

        Assert.Equal(bare.ToJson(), nulls.ToJson());
        Assert.Equal(Delivery.AtLeastOnce, bare.Delivery);
        Assert.Equal(Delivery.ExactlyOnce, Parse("""{"id":"id"}""").Delivery);
        Assert.Equal(TimeSpan.FromSeconds(1), bare.Grace);
        Assert.Equal(Parse("""{"key":"a.b"}""").ToJson(), Parse("""{"key":["a.b"]}""").ToJson());
    }

    [Fact]
    public void What_is_written_reads_back_as_the_same_definition()
    {
        Gen<string> names = Gen.Elements("user", "user.id", "from", "\"a.b\"", "\"with space\".x", "items[0].id", "é");
        Gen<string> parts =
            from partitions in Gen.Choose(1, 1000)
            from key in names.NonEmptyListOf().Select(list => string.Join(',', list.Take(5).Select(Quote)))
            from id in Gen.OneOf(Gen.Constant(""), names.Select(name => $",\"id\":{Quote(name)}"))
            from keep in Gen.Elements("", "first", "last")
            from rest in Gen.SubListOf<string>([
                ",\"opens\":\"2026-11-20T20:00:00.125Z\"", ",\"closes\":\"2027-01-01T01:00:00+01:00\"", ",\"grace\":\"250ms\"", ",\"fields\":{\"amount\":\"decimal(18,2)\",\"ok\":\"boolean\",\"at\":\"time\"}",
                ",\"on-invalid\":\"dead-letter\"", ",\"partitioner\":\"crc32\"", ",\"limits\":{\"depth\":7,\"state_bytes\":12345,\"key_bytes\":9,\"id_bytes\":8,\"event_bytes\":77}"])
            from retention in Gen.Elements("", ",\"retention\":\"7d\"", ",\"retention\":\"100GiB\"", ",\"retention\":\"1000000B\"")
            select $"{{\"partitions\":{partitions},\"key\":[{key}]{id}{(keep.Length == 0 ? "" : $",\"claim\":{{\"by\":[{key}],\"keep\":\"{keep}\"}}")}{string.Concat(rest)}{(keep == "last" ? "" : retention)}}}";
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(parts.ToArbitrary(), json =>
        {
            StreamDefinition once = Parse(json);
            StreamDefinition twice = StreamDefinition.Parse(once.ToJson());
            return once.ToJson().AsSpan().SequenceEqual(twice.ToJson()) && once.ImmutableDifferences(twice).Count == 0 && once.Opens == twice.Opens && once.Closes == twice.Closes
                && once.Grace == twice.Grace && once.Fields.SequenceEqual(twice.Fields) && once.Limits == twice.Limits && once.Retention == twice.Retention && once.OnInvalid == twice.OnInvalid;
        }));

        static string Quote(string name) => $"\"{name.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    private static StreamDefinition Parse(string json) => StreamDefinition.Parse(Encoding.UTF8.GetBytes(json));
}
