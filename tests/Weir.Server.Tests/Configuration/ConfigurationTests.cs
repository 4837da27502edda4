using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Server.Configuration;

namespace Weir.Server.Tests.Configuration;

public sealed class ConfigurationTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("weir-config-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Nothing_set_gives_the_defaults()
    {
        WeirConfiguration configuration = Load("");
        Assert.Equal("./data", configuration.DataDirectory);
        Assert.Equal("127.0.0.1:8080", configuration.Listen.ToString());
        Assert.Equal(TimeSpan.FromSeconds(5), configuration.Drain);
        Assert.Null(configuration.MemoryBytes);
        Assert.Empty(configuration.Streams);
        Assert.All(configuration.Explain(), row => Assert.Equal(ConfigurationLayer.Default, row.Origin.Layer));
    }

    [Fact]
    public void A_stream_of_the_file_becomes_the_document_that_PUT_takes()
    {
        WeirConfiguration configuration = Load("""
            streams:
              votes:
                partitions: 4
                key: [year, "from"]
                claim: { by: [year, from], keep: first }
                opens: 2026-11-20T20:00:00Z
                fields: { amount: "decimal(18,2)" }
            views:
              results: SELECT choice, count(*) AS votes FROM votes GROUP BY choice
              top: { sql: "SELECT count(*) FROM votes", max_groups: 10 }
            """);
        ConfiguredStream votes = Assert.Single(configuration.Streams);
        Assert.Equal("votes", votes.Name);
        Assert.Equal(
            StreamDefinition.Parse("""{"partitions":4,"key":["year","from"],"claim":{"by":["year","from"],"keep":"first"},"opens":"2026-11-20T20:00:00Z","fields":{"amount":"decimal(18,2)"}}"""u8.ToArray()).ToJson(),
            votes.Definition.ToJson());
        Assert.Equal("""{"sql":"SELECT choice, count(*) AS votes FROM votes GROUP BY choice"}""", Encoding.UTF8.GetString(configuration.Views[0].Definition.ToJson()));
        Assert.Equal("""{"sql":"SELECT count(*) FROM votes","max_groups":10}""", Encoding.UTF8.GetString(configuration.Views[1].Definition.ToJson()));
    }

    [Fact]
    public void Each_layer_wins_over_the_one_before()
    {
        string yaml = "data: /from/file\nhttp: { listen: 127.0.0.1:1 }\nlimits: { memory_bytes: 1GiB }\n";
        var environment = new Dictionary<string, string> { ["WEIR_HTTP__LISTEN"] = "127.0.0.1:2", ["WEIR_DATA"] = "/from/env", ["ASPNETCORE_URLS"] = "http://127.0.0.1:9" };
        WeirConfiguration configuration = Load(yaml, environment, new Dictionary<string, string> { ["http.listen"] = "127.0.0.1:3" });
        Assert.Equal("127.0.0.1:3", configuration.Listen.ToString());
        Assert.Equal("/from/env", configuration.DataDirectory);
        Assert.Equal(1L << 30, configuration.MemoryBytes);
        Assert.Equal("--listen", Assert.Single(configuration.Explain("http.listen")).Origin.ToString());
        Assert.Equal("WEIR_DATA", Assert.Single(configuration.Explain("data")).Origin.ToString());
        Assert.EndsWith("weir.yaml:3:25", Assert.Single(configuration.Explain("limits.memory_bytes")).Origin.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:5000", "127.0.0.1:5000")]
    [InlineData("http://localhost:5001/", "127.0.0.1:5001")]
    [InlineData("http://[::1]", "[::1]:80")]
    public void ASPNETCORE_URLS_is_used_where_listen_is_not_set(string urls, string expected)
    {
        WeirConfiguration configuration = Load("", new Dictionary<string, string> { ["ASPNETCORE_URLS"] = urls });
        Assert.Equal(expected, configuration.Listen.ToString());
        Assert.Equal("ASPNETCORE_URLS", Assert.Single(configuration.Explain("http.listen")).Origin.ToString());
    }

    [Fact]
    public void The_environment_reaches_streams_and_views()
    {
        var environment = new Dictionary<string, string>
        {
            ["WEIR_STREAMS__VOTES__PARTITIONS"] = "2",
            ["WEIR_STREAMS__VOTES__ON_INVALID"] = "dead-letter",
            ["WEIR_STREAMS__VOTES__KEY"] = "[year, from]",
            ["WEIR_VIEWS__RESULTS__MAX_GROUPS"] = "7",
            ["WEIR_SERVICE_HOST"] = "10.0.0.1",
            ["WEIR_PORT"] = "tcp://10.0.0.1:80",
        };
        WeirConfiguration configuration = Load("streams: { Votes: {} }\nviews: { results: SELECT count(*) FROM Votes }", environment);
        ConfiguredStream votes = Assert.Single(configuration.Streams);
        Assert.Equal("Votes", votes.Name);
        Assert.Equal((2, OnInvalid.DeadLetter, "year, \"from\""), (votes.Definition.Partitions, votes.Definition.OnInvalid, string.Join(", ", votes.Definition.Key)));
        Assert.Equal(new ViewDefinition("SELECT count(*) FROM Votes", MaxGroups: 7), Assert.Single(configuration.Views).Definition);
    }

    [Theory]
    [InlineData("dataa: x", 1, 1, ErrorCode.UnknownConfigurationKey, "Did you mean data?")]
    [InlineData("listen: 127.0.0.1:80", 1, 1, ErrorCode.UnknownConfigurationKey, "Did you mean http.listen?")]
    [InlineData("http:\n  lisetn: 127.0.0.1:80", 2, 3, ErrorCode.UnknownConfigurationKey, "Did you mean listen?")]
    [InlineData("streams:\n  votes:\n    partition: 4", 3, 5, ErrorCode.UnknownConfigurationKey, "Did you mean partitions?")]
    [InlineData("streams:\n  votes:\n    limits: { size: 7 }", 3, 15, ErrorCode.UnknownConfigurationKey, "Known here: event_bytes, id_bytes")]
    [InlineData("http: 8080", 1, 7, ErrorCode.ConfigurationType, "Expected a section with listen")]
    [InlineData("streams: { votes: 4 }", 1, 19, ErrorCode.ConfigurationType, "Expected a section with partitions")]
    [InlineData("http: { listen: 127.0.0.1 }", 1, 17, ErrorCode.ConfigurationValue, "Expected host:port")]
    [InlineData("http: { listen: example.com:80 }", 1, 17, ErrorCode.ConfigurationValue, "Expected host:port")]
    [InlineData("http: { listen: 0.0.0.0:8080 }", 1, 17, ErrorCode.UnsafeListenAddress, "can be reached from other machines")]
    [InlineData("auth: basic", 1, 7, ErrorCode.ConfigurationValue, "Expected `none`; found `basic`")]
    [InlineData("http: { drain: 5 }", 1, 16, ErrorCode.ConfigurationType, "Expected a duration such as 500ms or 5s (0s to 10m), found `5`.")]
    [InlineData("http: { drain: 1h }", 1, 16, ErrorCode.ConfigurationValue, "0s to 10m")]
    [InlineData("limits: { memory_bytes: lots }", 1, 25, ErrorCode.ConfigurationType, "Expected a size such as 64MiB")]
    [InlineData("limits: { memory_bytes: 1KiB }", 1, 25, ErrorCode.ConfigurationValue, "16MiB to 16TiB")]
    [InlineData("engine: { writer_threads: [1] }", 1, 27, ErrorCode.ConfigurationType, "Expected a whole number (1 to 256), found a list.")]
    [InlineData("data: a\ndata: b", 2, 1, ErrorCode.ConfigurationSyntax, "stands twice")]
    [InlineData("data: [a", 2, 1, ErrorCode.ConfigurationSyntax, "not YAML")]
    [InlineData("data: &x a", 1, 7, ErrorCode.ConfigurationSyntax, "anchors")]
    [InlineData("streams:\n  v: { key: user, claim: { by: other } }", 2, 32, ErrorCode.ClaimIsNotKey, "they must be the same fields")]
    [InlineData("streams:\n  v:\n    partitions: many", 3, 17, ErrorCode.ConfigurationValue, "expected a whole number from 1 to 1024")]
    [InlineData("streams:\n  v:\n    opens: 2026-11-20T20:00:00Z\n    closes: 2026-11-20T19:00:00Z", 4, 13, ErrorCode.ClosesBeforeOpens, "is not later than opens")]
    [InlineData("streams:\n  v: { key: u, claim: { by: u, keep: last }, retention: 7d }", 2, 57, ErrorCode.RetentionWithKeepLast, "keep: last")]
    [InlineData("streams:\n  v: { key: u, claim: { by: u }, remember: 5 }", 2, 44, ErrorCode.RememberWithClaim, "claim lasts")]
    [InlineData("streams:\n  v: { fields: { amount: money } }", 2, 26, ErrorCode.ConfigurationValue, "decimal(precision,scale)")]
    [InlineData("views:\n  v: SELECT count(* FROM votes", 2, 6, ErrorCode.SqlSyntax, "line 1, column 16: expected")]
    [InlineData("views:\n  v: { sql: SELECT uniques(a) FROM votes }", 2, 13, ErrorCode.SqlNotSupportedYet, "not supported yet")]
    [InlineData("- a", 1, 1, ErrorCode.ConfigurationSyntax, "keys and values")]
    public void A_fault_names_its_place_code_and_way_out(string yaml, int line, int column, ErrorCode code, string says)
    {
        ConfigurationFault fault = Assert.Single(Assert.Throws<ConfigurationException>(() => Load(yaml)).Faults);
        Assert.Equal((code, line, column), (fault.Code, fault.Origin.Line, fault.Origin.Column));
        Assert.Contains(says, fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_told_at_once_in_the_order_of_their_places()
    {
        var environment = new Dictionary<string, string> { ["WEIR_HTTP__LISTN"] = "x", ["WEIR_DATTA"] = "x" };
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => Load("autth: none\nhttp: { listen: 0.0.0.0:1, drain: x }\n", environment));
        Assert.Equal(
            [ErrorCode.UnknownConfigurationKey, ErrorCode.UnsafeListenAddress, ErrorCode.ConfigurationType, ErrorCode.UnknownConfigurationKey, ErrorCode.UnknownConfigurationKey],
            refused.Faults.Select(fault => fault.Code));
        Assert.Contains("Did you mean WEIR_DATA?", refused.Faults[3].Detail, StringComparison.Ordinal);
        Assert.Contains("Did you mean WEIR_HTTP__LISTEN?", refused.Faults[4].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_address_is_taken_when_auth_none_is_written()
    {
        Assert.Equal("*:80", Load("auth: none\nhttp: { listen: '*:80' }").Listen.ToString());
    }

    [Fact]
    public void A_file_that_is_named_must_be_there()
    {
        var sources = new ConfigurationSources { File = Path.Combine(_directory, "other.yaml") };
        Assert.Equal(ErrorCode.ConfigurationFileMissing, Assert.Throws<ConfigurationException>(() => WeirConfiguration.Load(sources)).Code);
    }

    [Theory]
    [InlineData("'4'")]
    [InlineData("04")]
    [InlineData("4_0")]
    [InlineData("yes")]
    public void A_scalar_is_a_number_only_where_JSON_has_it_as_one(string yaml)
    {
        Assert.Equal(ErrorCode.ConfigurationValue, Assert.Throws<ConfigurationException>(() => Load($"streams: {{ s: {{ partitions: {yaml} }} }}")).Code);
    }

    [Fact]
    public void The_defaults_shown_are_the_engine_s()
    {
        var node = new NodeOptions { DataDirectory = "" };
        Assert.Equal(
            [node.QueueBytesPerPartition, node.MinFreeDiskBytes, node.SegmentBytes, node.SnapshotBytes],
            ((string[])[ConfigurationKeys.QueueBytes, ConfigurationKeys.FreeDiskBytes, ConfigurationKeys.SegmentBytes, ConfigurationKeys.SnapshotBytes]).Select(Shown));
        Assert.Equal("100ms", ConfigurationKeys.Get(ConfigurationKeys.PublishInterval).Default);
        Assert.Equal(TimeSpan.FromMilliseconds(100), node.PublishInterval);

        static long Shown(string key) => ConfigurationUnits.TryParseSize(ConfigurationKeys.Get(key).Default, out long bytes) ? bytes : -1;
    }

    [Fact]
    public void The_reference_page_is_what_the_table_says() => Page.MustBe("docs/reference/configuration.md", ConfigurationReference.ToMarkdown());

    [Theory]
    [InlineData("partitions", "2", "3")]
    [InlineData("partitioner", "\"murmur2\"", "\"crc32\"")]
    [InlineData("key", "\"a\"", "\"b\"")]
    [InlineData("id", "\"id\"", "\"other\"")]
    [InlineData("claim.by", "{\"by\":\"a\"}", "{\"by\":\"b\"}")]
    [InlineData("claim.keep", "{\"by\":\"a\",\"keep\":\"first\"}", "{\"by\":\"a\",\"keep\":\"last\"}")]
    [InlineData("delivery", "\"exactly-once\"", "\"at-least-once\"")]
    [InlineData("opens", "\"2030-01-01T00:00:00Z\"", "\"2031-01-01T00:00:00Z\"")]
    [InlineData("closes", "\"2030-01-01T00:00:00Z\"", "\"2031-01-01T00:00:00Z\"")]
    [InlineData("grace", "\"1s\"", "\"2s\"")]
    [InlineData("fields.*", "{\"x\":\"string\"}", "{\"x\":\"integer\"}")]
    [InlineData("remember", "10", "11")]
    [InlineData("on-invalid", "\"refuse\"", "\"dead-letter\"")]
    [InlineData("retention", "\"1d\"", "\"2d\"")]
    [InlineData("limits.event_bytes", "{\"event_bytes\":1000}", "{\"event_bytes\":2000}")]
    [InlineData("limits.id_bytes", "{\"id_bytes\":100}", "{\"id_bytes\":200}")]
    [InlineData("limits.key_bytes", "{\"key_bytes\":100}", "{\"key_bytes\":200}")]
    [InlineData("limits.depth", "{\"depth\":10}", "{\"depth\":20}")]
    [InlineData("limits.state_bytes", "{\"state_bytes\":100000}", "{\"state_bytes\":200000}")]
    public void The_reference_says_of_exactly_the_parts_that_cannot_change_that_they_are_for_ever(string key, string one, string other)
    {
        string meaning = ConfigurationKeys.All.Single(entry => entry.Path == "streams.*." + key).Meaning;

        Assert.Equal(Define(one).ImmutableDifferences(Define(other)).Count > 0, meaning.Contains("For ever", StringComparison.Ordinal));

        StreamDefinition Define(string value)
        {
            string section = key.Split('.')[0];
            string owner = section == "claim" ? $",\"key\":\"{(value.Contains("\"b\"", StringComparison.Ordinal) ? 'b' : 'a')}\"" : "";
            return StreamDefinition.Parse(Encoding.UTF8.GetBytes($"{{\"{section}\":{value}{owner}}}"));
        }
    }

    [Fact]
    public void That_test_knows_every_key_of_a_stream()
    {
        string[] known = [.. typeof(ConfigurationTests).GetMethod(nameof(The_reference_says_of_exactly_the_parts_that_cannot_change_that_they_are_for_ever))!
            .GetCustomAttributes(typeof(InlineDataAttribute), inherit: false).Select(row => "streams.*." + (string)((InlineDataAttribute)row).Data[0]!)];

        Assert.Equal(ConfigurationKeys.All.Select(key => key.Path).Where(path => path.StartsWith("streams.", StringComparison.Ordinal)).Order(StringComparer.Ordinal), known.Order(StringComparer.Ordinal));
    }

    private WeirConfiguration Load(string yaml, Dictionary<string, string>? environment = null, Dictionary<string, string>? options = null)
    {
        string file = Path.Combine(_directory, "weir.yaml");
        File.WriteAllText(file, yaml);
        return WeirConfiguration.Load(new ConfigurationSources { File = file, Environment = environment ?? [], CommandLine = options ?? [] });
    }
}
