using Weir.KafkaTests.Scenarios;
using Weir.TestKit;

namespace Weir.KafkaTests;

/// <summary>What every client has to pass. A client that is not installed is skipped by name.</summary>
public abstract class ClientTests(ClientBench bench, string? remark = null)
{
    private protected ClientBench Bench => bench;

    /// <summary>What this client is asked besides what all are, in the order of the table.</summary>
    private protected virtual IReadOnlyList<Scenario> More => [];

    /// <summary>What the short form leaves out, because a client with the same library shows it, or because it takes this one too long.</summary>
    private protected virtual IReadOnlyList<Scenario> LeftOut => [];

    [Fact]
    public Task What_it_produces_is_counted_once_and_what_it_and_http_wrote_is_consumed() => ProveAsync(Scenario.ProduceConsume);

    [Fact]
    public Task Every_codec_is_stored_as_it_came_and_consumed() => ProveAsync(Scenario.Codecs);

    [Fact]
    public Task A_group_of_three_goes_on_from_what_was_committed_when_one_is_killed() => ProveAsync(Scenario.Group);

    [Fact]
    public Task Seeking_a_time_finds_the_first_record_that_was_appended_then() => ProveAsync(Scenario.Since);

    [Fact]
    public Task While_the_server_is_killed_nothing_is_lost_and_nothing_counted_twice() => ProveAsync(Scenario.Kill);

    [Fact]
    public async Task The_page_has_what_it_passed()
    {
        SkipIfMissing();
        var cells = new Dictionary<Scenario, string>();
        foreach (Scenario scenario in Scenario.All.Where(one => (Scenario.OfAll.Contains(one) || More.Contains(one)) && !IsLeftOut(one)))
        {
            cells[scenario] = await bench.RunAsync(scenario);
        }

        ClientTable.MustHave(bench.Client, cells, LeftOut, remark);
    }

    private protected async Task ProveAsync(Scenario scenario)
    {
        SkipIfMissing();
        Assert.SkipWhen(IsLeftOut(scenario), "The short form leaves it out; WEIR_TEST_SCALE=full runs it.");
        await bench.RunAsync(scenario);
    }

    private bool IsLeftOut(Scenario scenario) => TestScale.IsShort && LeftOut.Contains(scenario);

    private protected void SkipIfMissing() => Assert.SkipWhen(bench.Client.Missing is not null, bench.Client.Missing ?? "");
}
