using System.Globalization;
using System.Reflection;

namespace Weir.BrowserTests;

/// <summary>Both pages for those who use a keyboard or a screen reader, see little contrast, like the dark, have a narrow screen or want no motion.</summary>
public sealed class AccessibilityTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private FakeNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await FakeNode.StartAsync();
        _node.Answer("/readyz", "ready");
        _node.Answer("/v1/views", Frames.ViewList);
        _node.Answer("/v1/streams", Frames.StreamList);
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task A_screen_reader_finds_landmarks_headings_and_the_ranking_as_a_list()
    {
        await using Page page = await OpenLiveAsync(Frames.Votes(90, 72, 27, 13));

        IReadOnlyList<string> nodes = await page.AccessibleNodesAsync();
        foreach (string expected in (string[])
        [
            "banner", "main", "contentinfo", "navigation Page controls", "heading results", "region Results", "list", "status",
            "button CSV of all rows, download", "button Theme: system", "button verify", "link Weir", "link Skip to the results",
        ])
        {
            Assert.Contains(expected, nodes);
        }

        Assert.Equal(4, nodes.Count(node => node.StartsWith("listitem", StringComparison.Ordinal)));
        Assert.Equal("Harbour lights is first with 90 of 202 votes, 44.6\u202f%.", await page.TextAsync("#summary"));
    }

    [Fact]
    public async Task A_table_has_heads_and_can_be_scrolled_by_keyboard()
    {
        await using Page page = await OpenLiveAsync(Frames.Windows);

        IReadOnlyList<string> nodes = await page.AccessibleNodesAsync();
        Assert.Contains("table", nodes);
        Assert.Contains("columnheader hits", nodes);
        Assert.Contains("region Rows", nodes);
    }

    [Fact]
    public async Task Every_control_is_reached_by_tab_in_the_order_of_reading_and_shows_its_focus()
    {
        await using Page page = await OpenLiveAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("!document.querySelector('#definition').hidden");
        var reached = new List<string>();
        for (int press = 0; press < 8; press++)
        {
            await page.PressAsync("Tab");
            reached.Add(await page.AskAsync<string>("document.activeElement.textContent.trim()"));
            Assert.True(await page.AskAsync<double>("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2, $"no outline on {reached[^1]}");
        }

        Assert.Equal(["Skip to the results", "Weir", "CSV of all rows, download", "Full screen", "Theme: system", "Keys", "verify", "How this is counted"], reached);
    }

    [Fact]
    public async Task Keys_are_listed_work_in_sequence_and_can_be_turned_off()
    {
        await using Page page = await OpenLiveAsync(Frames.Votes(90, 72, 27, 13));

        await page.PressAsync("?");
        await page.WaitAsync("document.querySelector('dialog[open] h2')?.textContent === 'Keys'");
        Assert.Equal(["/", "f", "v", "g", "o", "?"], await page.AskAsync<string[]>("[...document.querySelectorAll('dialog[open] kbd')].map(each => each.textContent)"));

        await page.ClickAsync("dialog[open] input");
        await page.PressAsync("Escape");
        await page.WaitAsync("document.querySelector('dialog[open]') === null");
        await page.PressAsync("?");
        Assert.False(await page.AskAsync<bool>("document.querySelector('dialog[open]') !== null"));

        await page.ClickAsync("[data-keys]");
        await page.ClickAsync("dialog[open] input");
        await page.PressAsync("Escape");
        await page.PressAsync("g");
        await page.PressAsync("o");
        await page.WaitAsync("location.pathname === '/'");
    }

    [Fact]
    public async Task The_theme_follows_the_system_until_it_is_chosen_and_the_choice_is_kept()
    {
        await using Page page = await OpenLiveAsync(Frames.Votes(90, 72, 27, 13), dark: true);
        const string Page = "getComputedStyle(document.body).backgroundColor";
        string dark = await page.AskAsync<string>(Page);

        await page.ClickAsync("[data-theme-toggle]");
        Assert.Equal("Theme: light", await page.TextAsync("[data-theme-toggle]"));
        Assert.NotEqual(dark, await page.AskAsync<string>(Page));

        await page.GoAsync($"{_node.Address}/live/results");
        await page.WaitAsync("document.querySelector('[data-theme-toggle]')?.textContent === 'Theme: light'");
        Assert.NotEqual(dark, await page.AskAsync<string>(Page));

        await page.ClickAsync("[data-theme-toggle]");
        Assert.Equal(dark, await page.AskAsync<string>(Page));
        await page.ClickAsync("[data-theme-toggle]");
    }

    [Fact]
    public async Task Without_motion_the_total_does_not_tick_and_bars_do_not_glide()
    {
        await using Page page = await OpenLiveAsync(Frames.Votes(90, 72, 27, 13), reducedMotion: true);
        await page.AskAsync<object?>("""
            globalThis.seen = new Set(); globalThis.moved = 0;
            new MutationObserver(() => {
              seen.add(document.querySelector('#total-figure').textContent);
              moved += document.getAnimations().length;
            }).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true, attributes: true });
            """);

        _node.Send("delta", """{"position":"votes:0=900,1=884","rows":[{"choice":"Zigzag","votes":9013}],"removed":[],"final":false,"errors":0}""");

        await page.WaitAsync("document.querySelector('#total-figure').textContent === '9\u202f202' && document.querySelector('.label').textContent === 'Zigzag'");
        Assert.Equal(["202", "9\u202f202"], (await page.AskAsync<string[]>("[...new Set(['202', ...seen])]")));
        Assert.Equal(0, await page.AskAsync<int>("moved"));
    }

    [Theory]
    [InlineData("live", false)]
    [InlineData("live", true)]
    [InlineData("overview", false)]
    [InlineData("overview", true)]
    public async Task Text_and_graphics_have_enough_contrast(string name, bool dark)
    {
        await using Page page = name == "live" ? await OpenLiveAsync(Frames.Troubled, dark) : await OpenOverviewAsync(dark);

        Assert.Empty(await page.AskAsync<string[]>(ReadScript("contrast.js")));
        await page.ScreenshotAsync($"{name}-{(dark ? "dark" : "light")}");
    }

    [Theory]
    [InlineData("live", 320)]
    [InlineData("live", 390)]
    [InlineData("overview", 320)]
    [InlineData("overview", 390)]
    public async Task Nothing_is_cut_off_on_a_narrow_screen(string name, int width)
    {
        await using Page page = name == "live" ? await OpenLiveAsync(Frames.Troubled, width: width) : await OpenOverviewAsync(width: width);

        Assert.Equal(width, await page.AskAsync<int>("document.documentElement.scrollWidth"));
        await page.ScreenshotAsync(string.Create(CultureInfo.InvariantCulture, $"{name}-{width}"));
    }

    private async Task<Page> OpenLiveAsync(string snapshot, bool dark = false, int width = 1280, bool reducedMotion = false)
    {
        Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(width, width < 600 ? 844 : 800, dark, reducedMotion);
        _node.Send("snapshot", snapshot.ReplaceLineEndings(""));
        await page.GoAsync($"{_node.Address}/live/results");
        await page.WaitAsync("document.querySelectorAll('.bar, tbody tr').length > 0 && document.querySelector('#delivery').textContent !== '' && document.querySelector('#summary').textContent !== ''");
        return page;
    }

    private async Task<Page> OpenOverviewAsync(bool dark = false, int width = 1280)
    {
        Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(width, width < 600 ? 844 : 1400, dark);
        await page.GoAsync($"{_node.Address}/");
        await page.WaitAsync("document.querySelectorAll('.card').length === 2 && document.querySelectorAll('.command').length > 0");
        return page;
    }

    private static string ReadScript(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
