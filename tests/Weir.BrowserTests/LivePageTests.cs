namespace Weir.BrowserTests;

/// <summary>The live page over a feed of the test's own making: every shape of view and every state.</summary>
public sealed class LivePageTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
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
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));

        await page.WaitAsync("document.querySelectorAll('.bar').length === 4 && document.querySelector('#total-figure').textContent === '202'");
        Assert.Equal(["Harbour lights", "Northern line", "Paper boats", "Zigzag"], await TextsAsync(page, ".label"));
        Assert.Equal(["90", "72", "27", "13"], await TextsAsync(page, ".count"));
        Assert.Equal(["44.6\u202f%", "35.6\u202f%", "13.4\u202f%", "6.4\u202f%"], await TextsAsync(page, ".share"));
        await page.WaitAsync("document.querySelector('#delivery').textContent === 'counted exactly once ·'");
        Assert.Equal("votes:0=120,1=84", await page.TextAsync("#position"));
        Assert.Equal("Provisional", await page.TextAsync("#badge"));
        Assert.StartsWith("live · 0.1 s behind", await page.TextAsync("#chip"), StringComparison.Ordinal);
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_delta_moves_bars_and_ranks_and_leaves_colours_alone()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");
        string colour = await ColourOfAsync(page, "Zigzag");

        _node.Send("delta", """{"position":"votes:0=900,1=884","rows":[{"choice":"Zigzag","votes":400},{"choice":"Late entry","votes":1}],"removed":[["Paper boats"]],"final":false,"errors":0}""");

        await page.WaitAsync("document.querySelector('.label').textContent === 'Zigzag' && document.querySelector('#total-figure').textContent === '563'");
        Assert.Equal(["Zigzag", "Harbour lights", "Northern line", "Late entry"], await TextsAsync(page, ".label"));
        Assert.Equal(["1", "2", "3", "4"], await TextsAsync(page, ".rank"));
        Assert.Equal(colour, await ColourOfAsync(page, "Zigzag"));
        Assert.Equal("100%", await page.AskAsync<string>("document.querySelector('.bar').style.getPropertyValue('--length')"));
    }

    [Fact]
    public async Task Choices_that_are_called_by_a_colour_have_that_colour_and_no_two_of_twelve_the_same()
    {
        string[] choices = ["amber", "azure", "coral", "emerald", "indigo", "ivory", "jade", "lilac", "ochre", "Ruby", "silver", "teal"];
        await using Page page = await OpenAsync($$"""
            {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["choice","votes"],"key":["choice"],"order":"",
            "rows":[{{string.Join(",", choices.Select(choice => $$"""{"choice":"{{choice}}","votes":1}"""))}}]}
            """);

        await page.WaitAsync("document.querySelectorAll('.bar').length === 12");
        Assert.Equal("var(--series-6)", await ColourOfAsync(page, "amber"));
        Assert.Equal("var(--series-9)", await ColourOfAsync(page, "Ruby"));
        Assert.Equal("var(--series-5)", await ColourOfAsync(page, "teal"));
        Assert.Equal(12, await page.AskAsync<int>("new Set([...document.querySelectorAll('.bar')].map(bar => bar.style.getPropertyValue('--colour'))).size"));
    }

    [Fact]
    public async Task Sums_beyond_what_a_double_holds_are_shown_to_the_cent()
    {
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=4","final":false,"errors":0,"columns":["charity","raised"],"key":["charity"],"order":"",
            "rows":[{"charity":"a","raised":90071992547409931.07},{"charity":"b","raised":0.1},{"charity":"c","raised":0.2}]}
            """);

        await page.WaitAsync("document.querySelector('#total-figure').textContent.endsWith('1.37')");
        Assert.Equal("90\u202f071\u202f992\u202f547\u202f409\u202f931.37", await page.TextAsync("#total-figure"));
        Assert.Equal(["90\u202f071\u202f992\u202f547\u202f409\u202f931.07", "0.20", "0.10"], await TextsAsync(page, ".count"));
    }

    [Fact]
    public async Task A_lost_connection_is_shown_and_the_feed_resumes_after_the_last_frame()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");

        _node.Answer("/v1/views/results/live", "", status: 503);
        _node.Hang();
        await page.WaitAsync(@"/^reconnecting, last update \d\d:\d\d:\d\d$/.test(document.querySelector('#chip-text').textContent)");
        Assert.Equal("lost", await page.AskAsync<string>("document.querySelector('#chip').dataset.state"));
        Assert.Equal("90", await page.AskAsync<string>("document.querySelector('.count').textContent"));
        await page.ScreenshotAsync("reconnecting");

        _node.Forget("/v1/views/results/live");
        _node.Send("delta", """{"position":"votes:0=121,1=84","rows":[{"choice":"Zigzag","votes":14}],"removed":[],"final":false,"errors":0}""");
        await page.WaitAsync("document.querySelector('#chip').dataset.state === 'live' && document.querySelector('#total-figure').textContent === '203'");
        Assert.Equal("1;votes:0=120,1=84", _node.AskedAfter);
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task More_than_two_seconds_behind_is_amber_until_the_next_frame()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelector('#chip').dataset.state === 'live'");

        // No frame comes, though one is due every second.
        await page.WaitAsync("document.querySelector('#chip').dataset.state === 'behind'");
        Assert.Matches(@"^[2-9]\.\d s behind · 0 events/s$", await page.TextAsync("#chip"));

        _node.Send("delta", """{"position":"votes:0=120,1=84","rows":[],"removed":[],"final":false,"errors":0}""");
        await page.WaitAsync("document.querySelector('#chip').dataset.state === 'live'");
    }

    [Fact]
    public async Task A_final_view_says_final_and_a_reopened_one_says_that_too()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelector('#badge').textContent === 'Provisional'");

        _node.Send("delta", """{"position":"votes:0=121,1=85","rows":[],"removed":[],"final":true,"errors":0}""");
        await page.WaitAsync("document.querySelector('#badge').textContent === 'Final'");
        await page.WaitAsync("document.querySelector('#summary').textContent.startsWith('Final. Harbour lights is first with 90 of 202 votes')");

        _node.Answer("/v1/streams", """{"streams":[{"name":"votes","delivery":"exactly-once","reopened":true}]}""");
        _node.Send("delta", """{"position":"votes:0=122,1=86","rows":[],"removed":[],"final":false,"errors":0}""");
        await page.WaitAsync("document.querySelector('#badge').textContent === 'Provisional' && document.querySelector('#notes').innerText.includes('Reopened')");
    }

    [Fact]
    public async Task What_was_left_out_and_why_a_view_stopped_is_said()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13)
            .Replace("\"errors\":0", "\"errors\":1203,\"stopped\":\"more than 1000000 groups\"", StringComparison.Ordinal));

        await page.WaitAsync("document.querySelectorAll('#notes li').length === 2");
        Assert.Equal(["Stopped at this position: more than 1000000 groups", "1\u202f203 events could not be evaluated and are left out · which ones"],
            await TextsAsync(page, "#notes li"));
        Assert.EndsWith("/v1/views/results/errors", await page.AskAsync<string>("document.querySelector('#notes a').href"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_view_with_an_order_of_its_own_is_shown_in_that_order()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13).Replace("\"order\":\"\"", "\"order\":\"votes,-choice\"", StringComparison.Ordinal));

        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");
        Assert.Equal(["Zigzag", "Paper boats", "Northern line", "Harbour lights"], await TextsAsync(page, ".label"));

        _node.Send("delta", """{"position":"votes:0=121,1=84","rows":[{"choice":"Zigzag","votes":27}],"removed":[],"final":false,"errors":0}""");
        await page.WaitAsync("document.querySelector('.count').textContent === '27'");
        Assert.Equal(["Zigzag", "Paper boats", "Northern line", "Harbour lights"], await TextsAsync(page, ".label"));
    }

    [Fact]
    public async Task Averages_get_bars_but_neither_shares_nor_a_total()
    {
        _node.Answer("/v1/views", """{"views":[{"name":"results","stream":"votes","sql":"SELECT product, count(*) AS reviews, avg(stars) AS stars FROM votes GROUP BY product"}]}""");
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["product","reviews","stars"],"key":["product"],"order":"",
            "rows":[{"product":"lamp","reviews":3,"stars":4.333333},{"product":"chair","reviews":5,"stars":4.8},{"product":"mug","reviews":0,"stars":null}]}
            """);

        await page.WaitAsync("document.querySelector('.no-share') !== null && document.querySelector('#total').hidden");
        Assert.Equal(["4.800000", "4.333333", "–"], await TextsAsync(page, ".count"));
        Assert.Equal(["", "", ""], await TextsAsync(page, ".share"));
        Assert.Equal(["reviews 5", "reviews 3", "reviews 0"], await TextsAsync(page, ".aside"));
        await page.ScreenshotAsync("averages");
    }

    [Fact]
    public async Task A_view_that_leaves_rows_out_has_neither_shares_nor_a_total()
    {
        _node.Answer("/v1/views", """{"views":[{"name":"results","stream":"votes","sql":"SELECT choice, count(*) AS votes FROM votes GROUP BY choice ORDER BY votes DESC LIMIT 4"}]}""");
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));

        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");
        Assert.True(await page.AskAsync<bool>("document.querySelector('#total').hidden"));
        Assert.Equal(["", "", "", ""], await TextsAsync(page, ".share"));
    }

    [Fact]
    public async Task A_view_that_is_being_built_says_so_and_shows_its_rows_when_it_is_there()
    {
        _node.Answer("/v1/views/results/live", """{"status":503,"code":"WEIR-2010","detail":"The view results is being built from the log: 43 %."}""", status: 503);
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelector('#results').textContent === 'The view results is being built from the log: 43 %.'");

        _node.Forget("/v1/views/results/live");
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");
    }

    [Fact]
    public async Task Fifty_of_many_rows_are_shown_and_the_rest_is_counted()
    {
        await using Page page = await OpenAsync(Frames.Many(73));

        await page.WaitAsync("document.querySelectorAll('.bar').length === 50");
        Assert.Equal("and 23 more", await page.TextAsync("#more"));
        await page.ScreenshotAsync("many");
        Assert.Equal("2\u202f701", await page.TextAsync("#total-figure"));
    }

    [Fact]
    public async Task Among_many_rows_one_is_found_and_keeps_its_rank()
    {
        await using Page page = await OpenAsync(Frames.Many(73));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 50 && !document.querySelector('#find-line').hidden");

        await page.PressAsync("/");
        Assert.Equal("find", await page.AskAsync<string>("document.activeElement.id"));
        await page.TypeAsync("ON 7");
        await page.WaitAsync("document.querySelectorAll('.bar').length === 5");
        Assert.Equal(["Option 73", "Option 72", "Option 71", "Option 70", "Option 7"], await TextsAsync(page, ".label"));
        Assert.Equal(["1", "2", "3", "4", "67"], await TextsAsync(page, ".rank"));
        Assert.True(await page.AskAsync<bool>("document.querySelector('#more').hidden"));

        await page.TypeAsync("nowhere");
        await page.WaitAsync("document.querySelector('#more').innerText === 'No row has ON 7nowhere in its name.'");
    }

    [Fact]
    public async Task A_view_without_groups_is_big_figures()
    {
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["hits","bytes","largest"],"key":[],"order":"","rows":[{"hits":9999,"bytes":2747282740,"largest":69192717}]}
            """);

        await page.WaitAsync("document.querySelectorAll('.figures dd').length === 3");
        Assert.Equal(["hits", "bytes", "largest"], await TextsAsync(page, ".figures dt"));
        Assert.Equal(["9\u202f999", "2\u202f747\u202f282\u202f740", "69\u202f192\u202f717"], await TextsAsync(page, ".figures dd"));
        Assert.True(await page.AskAsync<bool>("document.querySelector('#total').hidden"));
        await page.ScreenshotAsync("figures");
    }

    [Fact]
    public async Task Windows_of_several_groups_are_a_table_newest_first()
    {
        await using Page page = await OpenAsync(Frames.Windows);
        await page.WaitAsync("document.querySelectorAll('tbody tr').length === 3");
        Assert.Equal(["window_start", "status", "hits"], await TextsAsync(page, "#results th"));
        Assert.Equal("2015-05-17 10:07Z", await page.TextAsync("#results tbody td"));
        await page.ScreenshotAsync("windows");
    }

    [Fact]
    public async Task Rows_without_a_number_are_a_table()
    {
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["driver","place"],"key":["driver"],"order":"",
            "rows":[{"driver":"d-1","place":{"lat":59.4,"lon":24.75}},{"driver":"d-2","place":null}]}
            """);

        await page.WaitAsync("document.querySelectorAll('tbody tr').length === 2");
        Assert.Equal(["d-1", "{\"lat\":59.4,\"lon\":24.75}", "d-2", "–"], await TextsAsync(page, "#results td"));
    }

    [Fact]
    public async Task Numbers_that_name_a_group_are_not_grouped_by_thousands_and_little_is_not_nothing()
    {
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["year","votes"],"key":["year"],"order":"","rows":[{"year":2009,"votes":9999},{"year":1957,"votes":1},{"year":null,"votes":0}]}
            """);

        await page.WaitAsync("document.querySelectorAll('.bar').length === 3");
        Assert.Equal(["2009", "1957", "–"], await TextsAsync(page, ".label"));
        Assert.Equal(["100.0\u202f%", "<0.1\u202f%", "0.0\u202f%"], await TextsAsync(page, ".share"));
    }

    [Fact]
    public async Task Names_and_labels_are_text_and_never_markup()
    {
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=9","final":false,"errors":0,"columns":["choice","<b>votes</b>"],"key":["choice"],"order":"","rows":[{"choice":"<img src=x onerror=alert(1)>","<b>votes</b>":3}]}
            """);

        await page.WaitAsync("document.querySelectorAll('.bar').length === 1");
        Assert.Equal("<img src=x onerror=alert(1)>", await page.TextAsync(".label"));
        Assert.Equal("<b>votes</b>", await page.TextAsync("#total-unit"));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_view_that_does_not_exist_is_said_plainly_and_asked_for_once()
    {
        _node.Answer("/v1/views/results/live", """{"code":"WEIR-2001"}""", status: 404);
        await using Page page = await OpenAsync(Frames.Votes(1, 1, 1, 1));

        await page.WaitAsync("document.querySelector('#results').textContent === 'There is no view named results on this server.'");
        Assert.Single(page.Requests, address => address.EndsWith("/live", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Verify_says_that_the_recount_is_equal_and_up_to_where()
    {
        _node.Answer("/v1/views/results/recount", """{"id":"7","view":"results","state":"done","equal":true,"events":212,"verdicts":{"counted":202,"duplicate":10,"taken":0},"position":"votes:0=120,1=84","rows":4,"errors":0,"different":0,"differences":[]}""");
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");

        await page.ClickAsync("#verify");
        await page.WaitAsync("document.querySelector('.verdict-good')?.textContent === '✓ Equal. 212 events were recounted, and every row agrees.'");
        Assert.Equal(["0", "0 to 119", "1", "0 to 83", "records, with markers", "204"], await TextsAsync(page, "#recount td"));
        Assert.StartsWith("202 counted, 10 duplicate. Made at ", await page.TextAsync("#recount-result .explain"), StringComparison.Ordinal);
        await page.ScreenshotAsync("verify");

        await page.PressAsync("Escape");
        await page.WaitAsync("!document.querySelector('#recount').open && document.activeElement.id === 'verify'");
    }

    [Fact]
    public async Task Verify_follows_a_long_recount_and_names_differences()
    {
        _node.Answer("/v1/views/results/recount", """{"id":"7","view":"results","state":"running","progress":0,"events":0,"total":500}""", status: 202);
        _node.Answer("/v1/recounts/7", """{"id":"7","view":"results","state":"running","progress":0.42,"events":210,"total":500}""");
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");

        await page.ClickAsync("#verify");
        await page.WaitAsync("document.querySelector('#recount progress')?.value === 0.42");
        _node.Answer("/v1/recounts/7", """{"id":"7","view":"results","state":"done","equal":false,"events":202,"verdicts":{"counted":202},"position":"votes:0=120,1=84","rows":4,"errors":0,"different":1,"differences":[{"key":["Zigzag"],"recount":{"votes":12},"live":null}]}""");
        await page.WaitAsync("document.querySelector('.verdict-bad')?.textContent === '✗ Not equal. 202 events were recounted, and 1 row differs.'");
        Assert.Equal(["[\"Zigzag\"]", "{\"votes\":12}", "not there"], await TextsAsync(page, "#recount .table:first-of-type td"));
    }

    [Fact]
    public async Task Verify_says_why_a_recount_could_not_be_made()
    {
        _node.Answer("/v1/views/results/recount", """{"type":"about:blank","title":"Busy","status":429,"code":"WEIR-4009","detail":"Recount 6 of the view results is running."}""", status: 429);
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");

        await page.ClickAsync("#verify");
        await page.WaitAsync("document.querySelector('.verdict-bad')?.textContent === 'The recount could not be made: WEIR-4009: Recount 6 of the view results is running.'");
    }

    [Fact]
    public async Task The_download_holds_all_rows_with_exact_numbers_and_no_formulas()
    {
        await using Page page = await OpenAsync("""
            {"view":"results","position":"votes:0=4","final":false,"errors":0,"columns":["charity","raised"],"key":["charity"],"order":"",
            "rows":[{"charity":"a \"b\", c","raised":90071992547409931.07},{"charity":"=1+1","raised":-0.1},{"charity":null,"raised":null}]}
            """);
        await page.WaitAsync("document.querySelectorAll('.bar').length === 3");

        await page.AskAsync<object?>("{ const create = URL.createObjectURL; URL.createObjectURL = blob => { globalThis.downloaded = blob.text(); return create.call(URL, blob); }; }");
        await page.ClickAsync("#csv");

        Assert.Equal("charity,raised\r\n\"a \"\"b\"\", c\",90071992547409931.07\r\n'=1+1,-0.1\r\n,\r\n", await page.AskAsync<string>("globalThis.downloaded"));
    }

    [Fact]
    public async Task A_page_that_nobody_looks_at_gives_its_connection_back_and_catches_up_later()
    {
        await using Page page = await OpenAsync(Frames.Votes(90, 72, 27, 13));
        await page.WaitAsync("document.querySelectorAll('.bar').length === 4");

        // Hidden for longer than the page waits: the clock is turned instead of the test waiting.
        await page.AskAsync<object?>("""
            { const real = setTimeout; globalThis.setTimeout = (work, delay) => real(work, delay === 15000 ? 0 : delay);
              globalThis.looking = false; Object.defineProperty(document, "hidden", { get: () => !globalThis.looking });
              document.dispatchEvent(new Event("visibilitychange")); }
            """);
        await _node.Disconnected();

        _node.Send("delta", """{"position":"votes:0=121,1=84","rows":[{"choice":"Zigzag","votes":14}],"removed":[],"final":false,"errors":0}""");
        await page.AskAsync<object?>("globalThis.looking = true; document.dispatchEvent(new Event('visibilitychange'))");
        await page.WaitAsync("document.querySelector('#chip').dataset.state === 'live' && document.querySelector('#total-figure').textContent === '203'");
    }

    private async Task<Page> OpenAsync(string snapshot)
    {
        Page page = await chromium.OpenPageAsync();
        await page.EmulateAsync(1280, 800);
        _node.Send("snapshot", snapshot.ReplaceLineEndings(""), "1;votes:0=120,1=84");
        await page.GoAsync($"{_node.Address}/live/results");
        return page;
    }

    private static Task<string> ColourOfAsync(Page page, string label) => page.AskAsync<string>(
        $"[...document.querySelectorAll('.bar')].find(bar => bar.querySelector('.label').textContent === '{label}').style.getPropertyValue('--colour')");

    private static Task<string[]> TextsAsync(Page page, string selector) =>
        page.AskAsync<string[]>($"[...document.querySelectorAll('{selector}')].map(each => each.textContent)");
}
