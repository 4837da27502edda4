namespace Weir.BrowserTests;

/// <summary>The pages and the program together: <c>weir serve</c> as its own process, killed and restarted under the eyes of the page.</summary>
public sealed class StoryTests(Chromium chromium) : IClassFixture<Chromium>
{
    [Fact]
    public async Task Bars_move_outlive_a_killed_server_and_end_final_and_verified()
    {
        await using Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(1280, 800, dark: true);
        await using var server = new ServerProcess(ServerProcess.Votes);
        await server.StartAsync();
        await page.GoAsync($"{server.Address}/live/results");
        await page.WaitAsync("document.querySelector('#results').textContent.startsWith('Nothing counted yet')");

        await server.VoteAsync("amber", firstUser: 0, count: 300);
        await server.VoteAsync("blue", firstUser: 1_000, count: 100);
        await page.WaitAsync(Shows("amber 300", "blue 100"));
        string before = await LengthOfAsync(page, "blue");

        await server.VoteAsync("blue", firstUser: 2_000, count: 400);
        await page.WaitAsync(Shows("blue 500", "amber 300"));
        Assert.NotEqual(before, await LengthOfAsync(page, "blue"));
        await page.WaitAsync("document.querySelector('#delivery').textContent === 'counted exactly once ·'");

        await server.KillAsync();
        await page.WaitAsync(@"/^reconnecting, last update \d\d:\d\d:\d\d$/.test(document.querySelector('#chip-text').textContent)");
        Assert.True(await page.AskAsync<bool>(Shows("blue 500", "amber 300")), "the bars stay while the server is away");

        await server.StartAsync();
        await page.WaitAsync("document.querySelector('#chip').dataset.state === 'live'");
        await server.VoteAsync("amber", firstUser: 3_000, count: 250);
        await page.WaitAsync(Shows("amber 550", "blue 500"));
        await page.WaitAsync("document.querySelector('#total-figure').textContent === '1\u202f050'");
        await page.ScreenshotAsync("story-dark");

        await server.CloseAsync();
        await page.WaitAsync("document.querySelector('#badge').textContent === 'Final' && document.querySelector('#chip-text').textContent === 'live · up to date'");

        await page.ClickAsync("#verify");
        await page.WaitAsync("document.querySelector('.verdict-good')?.textContent === '✓ Equal. 1\u202f050 events were recounted, and every row agrees.'");
        await page.ScreenshotAsync("story-verified");

        Assert.All(page.Requests, address => Assert.StartsWith(server.Address, address, StringComparison.Ordinal));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task The_overview_shows_the_node_and_its_commands_work()
    {
        await using Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(1280, 1400);
        await using var server = new ServerProcess(ServerProcess.Votes);
        await server.StartAsync();
        await server.VoteAsync("amber", firstUser: 0, count: 25);
        await page.GoAsync($"{server.Address}/");

        await page.WaitAsync("document.querySelector('#sentence').textContent.startsWith('Healthy. Keeping up: worst view 0.')");
        await page.WaitAsync("document.querySelector('.verdicts').textContent === 'counted\u00a025'");
        Assert.Equal(["results", "turnout"], await page.AskAsync<string[]>("[...document.querySelectorAll('#view-lines th')].map(each => each.textContent)"));
        Assert.Equal("2 partitions, all serving", await page.TextAsync(".card summary"));

        string command = await page.TextAsync(".command code");
        string body = command.Split('\'')[1];
        Assert.Equal("""{"id":"e-1","user":"some-user","choice":"some-choice"}""", body);
        await server.SendAsync(body);
        await page.WaitAsync("document.querySelector('.verdicts').textContent === 'counted\u00a026'");
        await page.ScreenshotAsync("story-overview");

        Assert.All(page.Requests, address => Assert.StartsWith(server.Address, address, StringComparison.Ordinal));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_view_without_groups_and_one_that_is_not_there()
    {
        await using Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(1280, 800);
        await using var server = new ServerProcess(ServerProcess.Votes);
        await server.StartAsync();
        await server.VoteAsync("amber", firstUser: 0, count: 25);

        await page.GoAsync($"{server.Address}/live/turnout");
        await page.WaitAsync("document.querySelector('.figures dd')?.textContent === '25'");

        await page.GoAsync($"{server.Address}/live/nothing");
        await page.WaitAsync("document.querySelector('#results')?.textContent === 'There is no view named nothing on this server.'");
        Assert.Empty(page.Faults);
    }

    /// <summary>Bars from the top, each as "label count".</summary>
    private static string Shows(params string[] bars) =>
        $"[...document.querySelectorAll('.bar')].map(bar => bar.querySelector('.label').textContent + ' ' + bar.querySelector('.count').textContent).join() === '{string.Join(',', bars)}'";

    private static Task<string> LengthOfAsync(Page page, string label) => page.AskAsync<string>(
        $"[...document.querySelectorAll('.bar')].find(bar => bar.querySelector('.label').textContent === '{label}').style.getPropertyValue('--length')");
}
