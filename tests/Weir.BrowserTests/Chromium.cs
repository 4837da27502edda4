using System.Diagnostics;

namespace Weir.BrowserTests;

/// <summary>
/// One headless Chromium with a profile of its own, driven through the Chrome DevTools Protocol. Shared by the tests of a
/// class; each test opens its own page. Where no Chromium is installed the tests skip and say so.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _profile = Directory.CreateTempSubdirectory("weir-chromium-").FullName;
    private Process? _process;
    private DevTools? _devTools;

    public async ValueTask InitializeAsync()
    {
        if (Programs.FirstOrDefault(File.Exists) is not { } program)
        {
            return;
        }

        _process = Process.Start(new ProcessStartInfo(program,
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--remote-debugging-port=0", $"--user-data-dir={_profile}", "about:blank",
        ])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _devTools = await DevTools.ConnectAsync(await ReadAddressAsync());
    }

    /// <summary>Opens an empty page. Skips the test where there is no Chromium.</summary>
    public async Task<Page> OpenPageAsync()
    {
        Assert.SkipWhen(_devTools is null, $"Chromium is not installed: none of {string.Join(", ", Programs)} exists (Debian: apt-get install chromium)");
        return await Page.OpenAsync(_devTools!);
    }

    /// <summary>Chromium writes the port it took, and the path of the browser's own target, into a file of its profile.</summary>
    private async Task<Uri> ReadAddressAsync()
    {
        string file = Path.Combine(_profile, "DevToolsActivePort");
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < StartLimit && !_process!.HasExited)
        {
            string[] lines = File.Exists(file) ? await File.ReadAllLinesAsync(file) : [];
            if (lines.Length >= 2)
            {
                return new Uri($"ws://127.0.0.1:{lines[0]}{lines[1]}");
            }

            await Task.Delay(20);
        }

        throw new InvalidOperationException($"Chromium did not open its debugging port within {StartLimit.TotalSeconds} s.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_devTools is not null)
        {
            await _devTools.DisposeAsync();
        }

        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        await DeleteProfileAsync();
    }

    /// <summary>A killed Chromium's children may write for a moment longer.</summary>
    private async Task DeleteProfileAsync()
    {
        for (int attempt = 0; attempt < 50; attempt++)
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
                return;
            }
            catch (IOException)
            {
                await Task.Delay(100);
            }
        }
    }
}
