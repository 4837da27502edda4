namespace Weir.BrowserTests;

/// <summary>The live page over a feed of the test's own making: every shape of view and every state.</summary>
public sealed class LivePageTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private const string Votes = """
        {"view":"results","position":"votes:0=120,1=84","age_ms":40,"final":false,"errors":0,"key":["choice"],"rows":[
        {"choice":"Harbour lights","votes":90},{"choice":"Northern line","votes":72},{"choice":"Paper boats","votes":27},{"choice":"Zigzag","votes":13}]}
        """;

    private FakeNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await FakeNode.StartAsync();
        _node.Answer("/v1/views", """{"views":[{"name":"results","stream":"votes","sql":"SELECT choice, count(*) AS votes FROM votes GROUP BY choice"}]}""");
        _node.Answer("/v1/streams", """{"streams":[{"name":"votes","delivery":"exactly-once"}]}""");
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task Bars_are_sorted_and_show_counts_shares_and_the_total()
    {
        await using Page page = await OpenAsync(Votes);

        await page.WaitAsync("document.querySelectorAll('.bar').length === 4 && document.querySelector('#total-figure').textContent === '202'");
        Assert.Equal(["Harbour lights", "Northern line", "Paper boats", "Zigzag"], await LabelsAsync(page));
        Assert.Equal(["90", "72", "27", "13"], await TextsAsync(page, ".count"));
        Assert.Equal(["44.6\u202f%", "35.6\u202f%", "13.4\u202f%", "6.4\u202f%"], await TextsAsync(page, ".share"));
        await page.WaitAsync("document.querySelector('#delivery').textContent === 'counted exactly once ·'");
        Assert.Equal("votes:0=120,1=84", await page.TextAsync("#position"));
        Assert.Equal("Provisional", await page.TextAsync("#badge"));
        Assert.StartsWith("live · 0.0 s behind", await page.TextAsync("#chip"), StringComparison.Ordinal);
        await page.ScreenshotAsync("live-light");
        Assert.Empty(page.Faults);
    }

    private async Task<Page> OpenAsync(string snapshot, bool dark = false, int width = 1280, int height = 800)
    {
        Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(width, height, dark);
        _node.Send("snapshot", snapshot.ReplaceLineEndings(""));
        await page.GoAsync($"{_node.Address}/live/results");
        return page;
    }

    private static Task<string[]> LabelsAsync(Page page) => TextsAsync(page, ".bar .label");

    private static Task<string[]> TextsAsync(Page page, string selector) =>
        page.AskAsync<string[]>($"[...document.querySelectorAll('{selector}')].map(each => each.textContent)");
}
