namespace Weir.BrowserTests;

/// <summary>The overview over documents of the test's own making.</summary>
public sealed class OverviewPageTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private FakeNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await FakeNode.StartAsync();
        _node.Answer("/readyz", "ready");
        _node.Answer("/v1/views", Frames.HealthyViews);
        _node.Answer("/v1/streams", Frames.HealthyStreams(logEnd: 1_000));
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task A_healthy_node_is_said_to_be_healthy_and_how_far_its_worst_view_is_behind()
    {
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelector('#sentence').textContent === 'Healthy. Keeping up: worst view 0.2 s behind.'");
        Assert.Equal("good", await page.AskAsync<string>("document.querySelector('#state').dataset.state"));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Streams_show_records_disk_owners_verdicts_and_a_rate_that_follows_the_log()
    {
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelectorAll('.card').length === 1");
        Assert.Equal("counted\u00a0990 · duplicate\u00a010", await page.TextAsync(".verdicts"));
        Assert.Equal(["0", "1\u202f000", "2.0 KiB", "990"], await page.AskAsync<string[]>("[...document.querySelectorAll('.card dd')].map(each => each.textContent)"));
        Assert.Equal("1 partition, all serving", await page.TextAsync(".card summary"));

        _node.Answer("/v1/streams", Frames.HealthyStreams(logEnd: 51_000));
        await page.WaitAsync("document.querySelector('.card dd').textContent.length >= 5 && document.querySelectorAll('.card dd')[1].textContent === '51\u202f000'");
    }

    [Fact]
    public async Task Views_link_to_their_page_and_their_rows()
    {
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelectorAll('#view-lines tr').length === 1");
        Assert.Equal("results 12 provisional 0.2 s 0 votes:0=1000 JSON",
            (await page.TextAsync("#view-lines tr")).ReplaceLineEndings(" ").Replace('\t', ' '));
        Assert.Equal([$"{_node.Address}/live/results", $"{_node.Address}/v1/views/results"],
            await page.AskAsync<string[]>("[...document.querySelectorAll('#view-lines a')].map(each => each.href)"));
    }

    [Fact]
    public async Task The_commands_have_this_node_s_own_names()
    {
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelectorAll('.command').length === 5");
        string[] commands = await page.AskAsync<string[]>("[...document.querySelectorAll('.command code')].map(each => each.textContent)");
        Assert.Equal($$"""curl -d '{"id":"e-1","user":"some-user","choice":"some-choice"}' {{_node.Address}}/v1/streams/votes/events""", commands[0]);
        Assert.Equal($"curl -N {_node.Address}/v1/views/results/live", commands[3]);
    }

    [Fact]
    public async Task What_is_wrong_is_named()
    {
        _node.Answer("/v1/views", Frames.ViewList);
        _node.Answer("/v1/streams", Frames.StreamList);
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelector('#sentence').textContent === '2 things need attention.'");
        Assert.Equal(
            ["Stream donations, partition 0 is read-only: damage at offsets 12 to 14 in 00000000000000000000.log", "View raised stopped: a sum is beyond what 128 bits hold"],
            await page.AskAsync<string[]>("[...document.querySelectorAll('#troubles li')].map(each => each.textContent)"));
    }

    [Fact]
    public async Task A_node_that_is_not_ready_and_one_that_is_gone_are_told_apart()
    {
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelector('#sentence').textContent.startsWith('Healthy')");

        _node.Answer("/readyz", "recovering, 43 %", status: 503);
        await page.WaitAsync("document.querySelector('#sentence').textContent === 'Not ready: recovering, 43 %'");

        await _node.DisposeAsync();
        await page.WaitAsync(@"/^The server does not answer\. Last answer \d\d:\d\d:\d\d\.$/.test(document.querySelector('#sentence').textContent)");
        Assert.Equal("lost", await page.AskAsync<string>("document.querySelector('#state').dataset.state"));
    }

    [Fact]
    public async Task What_is_open_stays_open_when_the_figures_are_refreshed()
    {
        await using Page page = await OpenAsync();
        await page.WaitAsync("document.querySelectorAll('.card').length === 1");
        await page.AskAsync<object?>("document.querySelector('.card details').open = true");

        _node.Answer("/v1/streams", Frames.HealthyStreams(logEnd: 1_234));
        await page.WaitAsync("document.querySelector('.card tbody').textContent.includes('1\u202f234')");
        Assert.True(await page.AskAsync<bool>("document.querySelector('.card details').open"));
    }

    private async Task<Page> OpenAsync()
    {
        Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(1280, 1000);
        await page.GoAsync($"{_node.Address}/");
        return page;
    }
}
