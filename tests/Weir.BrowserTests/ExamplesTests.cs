namespace Weir.BrowserTests;

/// <summary>Every view of the examples over their real data: whatever the SQL, the page shows something sensible.</summary>
public sealed class ExamplesTests(Chromium chromium) : IClassFixture<Chromium>
{
    [Fact]
    public async Task Eurovision()
    {
        await using ServerProcess server = await StartAsync("eurovision", "finals", "votes.ndjson.gz");
        await using Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(1280, 900);

        // 1,300 groups of year and country, without an order of its own: the highest fifty.
        await OpenAsync(page, server, "points", "document.querySelectorAll('.bar').length === 50");
        Assert.Matches("^and 1\u202f\\d{3} more$", await page.TextAsync("#more"));

        await OpenAsync(page, server, "douze_points", "document.querySelectorAll('.bar').length === 10");
        Assert.True(await page.AskAsync<bool>("document.querySelector('#total').hidden"), "ten of many rows have no total");

        // Ordered by points, so the bars are points and not the last column.
        await OpenAsync(page, server, "friends", "document.querySelector('.label')?.textContent === 'NO · SE'");
        Assert.Equal("312", await page.TextAsync(".count"));
        Assert.StartsWith("mean 6.1", await page.TextAsync(".aside"), StringComparison.Ordinal);
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Web_analytics()
    {
        await using ServerProcess server = await StartAsync("web-analytics", "access", "access.ndjson.gz");
        await using Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(390, 844, dark: true);

        await OpenAsync(page, server, "status", "document.querySelectorAll('.bar').length > 4 && document.querySelector('.label').textContent === '200'");
        await OpenAsync(page, server, "per_minute", "document.querySelectorAll('.windows .bar').length === 50");
        Assert.Equal("2015-05-20 21:05Z", await page.TextAsync(".label"));
        await OpenAsync(page, server, "paths", "document.querySelectorAll('.bar').length === 10");
        await OpenAsync(page, server, "clients", "document.querySelectorAll('.bar').length === 10 && document.querySelector('.count').textContent === '482'");
        Assert.Equal(390, await page.AskAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(page.Faults);
    }

    private static async Task<ServerProcess> StartAsync(string example, string stream, string file)
    {
        string folder = Path.Combine(ServerProcess.BuildFact("Examples"), example);
        IEnumerable<string> definitions = File.ReadLines(Path.Combine(folder, "weir.yaml"))
            .Where(line => !line.StartsWith("data:", StringComparison.Ordinal) && !line.StartsWith("http:", StringComparison.Ordinal));
        var server = new ServerProcess(string.Join("\n", definitions));
        await server.StartAsync();
        await server.SendFileAsync(stream, Path.Combine(folder, file));
        return server;
    }

    private static async Task OpenAsync(Page page, ServerProcess server, string view, string expected)
    {
        await page.GoAsync($"{server.Address}/live/{view}");
        await page.WaitAsync($"document.querySelector('#title')?.textContent === '{view}' && {expected}");
        await page.ScreenshotAsync($"example-{view}");
    }
}
