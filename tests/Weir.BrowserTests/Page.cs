using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weir.BrowserTests;

/// <summary>One page of the browser: goes places, asks questions in JavaScript, presses keys, and remembers what it asked the network for and what went wrong.</summary>
public sealed class Page : IAsyncDisposable
{
    private static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(60);

    private readonly DevTools _devTools;
    private readonly string _target;
    private readonly string _session;
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<string> _faults = new();

    private Page(DevTools devTools, string target, string session)
    {
        _devTools = devTools;
        _target = target;
        _session = session;
        devTools.Listen(session, OnEvent);
    }

    /// <summary>Addresses of everything that the page asked for.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Script exceptions, console errors and refusals by the content security policy. A failed fetch is not one: a server that restarts is a normal thing.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    public static async Task<Page> OpenAsync(DevTools devTools)
    {
        JsonObject created = await devTools.SendAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" });
        string target = created["targetId"]!.GetValue<string>();
        JsonObject attached = await devTools.SendAsync("Target.attachToTarget", new JsonObject { ["targetId"] = target, ["flatten"] = true });
        var page = new Page(devTools, target, attached["sessionId"]!.GetValue<string>());
        foreach (string domain in (string[])["Page", "Runtime", "Network", "Log", "DOM", "Accessibility"])
        {
            await page.SendAsync($"{domain}.enable");
        }

        return page;
    }

    public Task<JsonObject> SendAsync(string method, JsonObject? parameters = null) => _devTools.SendAsync(method, parameters, _session);

    public Task GoAsync(string address) => SendAsync("Page.navigate", new JsonObject { ["url"] = address });

    /// <summary>The value of a JavaScript expression; a promise is awaited.</summary>
    public async Task<T> AskAsync<T>(string expression)
    {
        JsonObject answer = await SendAsync("Runtime.evaluate", new JsonObject
        {
            ["expression"] = expression, ["awaitPromise"] = true, ["returnByValue"] = true,
        });
        if (answer["exceptionDetails"] is { } thrown)
        {
            throw new InvalidOperationException($"{expression}: {thrown["exception"]?["description"] ?? thrown["text"]}");
        }

        return answer["result"]!["value"].Deserialize<T>()!;
    }

    /// <summary>Waits until a JavaScript expression is true, across navigations, at most <see cref="WaitLimit"/>.</summary>
    public async Task WaitAsync(string expression)
    {
        DateTime end = DateTime.UtcNow + WaitLimit;
        while (true)
        {
            try
            {
                if (await AskAsync<bool>($"Boolean({expression})"))
                {
                    return;
                }
            }
            catch (InvalidOperationException) when (DateTime.UtcNow < end)
            {
                // Between two documents nothing can be asked.
            }

            if (DateTime.UtcNow >= end)
            {
                string body = await AskAsync<string>("document.body.innerText");
                throw new TimeoutException($"Not true in time: {expression}\nThe page shows:\n{body}\nFaults: {string.Join("\n", _faults)}");
            }

            await Task.Delay(20);
        }
    }

    public Task<string> TextAsync(string selector) =>
        AskAsync<string>($"document.querySelector({JsonSerializer.Serialize(selector)})?.innerText ?? ''");

    /// <summary>Clicks, with the focus going there as it does for a person's click.</summary>
    public Task ClickAsync(string selector) =>
        AskAsync<object?>($"(target => {{ target.focus(); target.click(); }})(document.querySelector({JsonSerializer.Serialize(selector)}))");

    /// <summary>Presses and releases one key, as from the keyboard: Tab, Enter, Escape, or a character.</summary>
    public async Task PressAsync(string key)
    {
        int code = key switch { "Tab" => 9, "Enter" => 13, "Escape" => 27, _ => 0 };
        var stroke = new JsonObject { ["type"] = "keyDown", ["key"] = key, ["windowsVirtualKeyCode"] = code };
        if (key.Length == 1)
        {
            stroke["text"] = key;
        }

        await SendAsync("Input.dispatchKeyEvent", stroke);
        await SendAsync("Input.dispatchKeyEvent", new JsonObject { ["type"] = "keyUp", ["key"] = key, ["windowsVirtualKeyCode"] = code });
    }

    /// <summary>Types into what has the focus.</summary>
    public Task TypeAsync(string text) => SendAsync("Input.insertText", new JsonObject { ["text"] = text });

    /// <summary>Sets the window's size in CSS pixels and what the system is said to prefer.</summary>
    public async Task EmulateAsync(int width, int height, bool dark = false, bool reducedMotion = false)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new JsonObject
        {
            ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600,
        });
        await SendAsync("Emulation.setEmulatedMedia", new JsonObject
        {
            ["features"] = new JsonArray(
                new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" },
                new JsonObject { ["name"] = "prefers-reduced-motion", ["value"] = reducedMotion ? "reduce" : "no-preference" }),
        });
    }

    /// <summary>With WEIR_SCREENSHOTS set to a folder, keeps what is visible there as <paramref name="name"/>.png, for a person to look at; otherwise nothing.</summary>
    public async Task ScreenshotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("WEIR_SCREENSHOTS") is { Length: > 0 } folder)
        {
            JsonObject shot = await SendAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png" });
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{name}.png"), Convert.FromBase64String(shot["data"]!.GetValue<string>()));
        }
    }

    /// <summary>What a screen reader is given: "role name" of every node that is not ignored, in order of reading.</summary>
    public async Task<IReadOnlyList<string>> AccessibleNodesAsync()
    {
        JsonObject tree = await SendAsync("Accessibility.getFullAXTree");
        return [.. tree["nodes"]!.AsArray()
            .Where(node => node!["ignored"]?.GetValue<bool>() != true)
            .Select(node => $"{node!["role"]?["value"]} {node["name"]?["value"]}".Trim())];
    }

    private void OnEvent(string method, JsonObject parameters)
    {
        switch (method)
        {
            case "Network.requestWillBeSent":
                _requests.Enqueue(parameters["request"]!["url"]!.GetValue<string>());
                break;
            case "Runtime.exceptionThrown":
                _faults.Enqueue(parameters["exceptionDetails"]!.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when parameters["type"]!.GetValue<string>() is "error" or "assert":
                _faults.Enqueue(parameters["args"]!.ToJsonString());
                break;
            case "Log.entryAdded" when parameters["entry"] is { } entry
                && entry["level"]!.GetValue<string>() == "error" && entry["source"]!.GetValue<string>() != "network":
                _faults.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{entry["source"]}: {entry["text"]}"));
                break;
        }
    }

    public async ValueTask DisposeAsync() =>
        await _devTools.SendAsync("Target.closeTarget", new JsonObject { ["targetId"] = _target });
}
