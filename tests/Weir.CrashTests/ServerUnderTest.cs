using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>
/// <c>weir serve</c> in a process of its own, as it is shipped. Started directly or through a wrapper that becomes or traces the same process,
/// so that <see cref="ProcessId"/> is always the server's. Disposing kills it.
/// </summary>
internal sealed class ServerUnderTest : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "weir");

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Uri> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerUnderTest(Process process)
    {
        _process = process;
    }

    public int ProcessId { get; private set; }

    /// <summary>Completes when the process has ended.</summary>
    public Task Exited => _process.WaitForExitAsync();

    public bool HasExited => _process.HasExited;

    /// <summary>Where it serves; completes when it is ready, faults when it ends before.</summary>
    public Task<Uri> Ready => _ready.Task;

    /// <summary>Where it listens, ready or not.</summary>
    public Task<Uri> Listening => _listening.Task;

    /// <summary>Everything it has printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts the process; it may not be ready yet.</summary>
    /// <param name="wrapper">Program and arguments in front of the server's: strace -D, unshare, sh.</param>
    public static ServerUnderTest Launch(string configuration, params string[] wrapper)
    {
        string[] line = [.. wrapper, Program, "serve", configuration];
        var start = new ProcessStartInfo(line[0], line[1..]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        var server = new ServerUnderTest(new Process { StartInfo = start, EnableRaisingEvents = true });
        server._process.OutputDataReceived += (_, received) => server.Take(received.Data);
        server._process.ErrorDataReceived += (_, received) => server.Take(received.Data);
        server._process.Exited += (_, _) => server.EndWaits();
        server._process.Start();
        server.ProcessId = server._process.Id;
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        return server;
    }

    /// <summary>Starts the process and waits until it serves.</summary>
    public static async Task<ServerUnderTest> StartAsync(string configuration, params string[] wrapper)
    {
        ServerUnderTest server = Launch(configuration, wrapper);
        try
        {
            await server.Ready.WaitAsync(Patience);
            return server;
        }
        catch (TimeoutException)
        {
            string output = server.Output;
            server.Dispose();
            throw new TimeoutException($"The server is not ready after {Patience}; it printed:\n{output}");
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Runs the program with other arguments to its end.</summary>
    /// <returns>Exit code, and standard output and error together.</returns>
    public static Task<(int Code, string Output)> RunAsync(params string[] arguments) => RunInAsync([], arguments);

    /// <inheritdoc cref="RunAsync"/>
    /// <param name="wrapper">Program and arguments in front of it.</param>
    public static async Task<(int Code, string Output)> RunInAsync(string[] wrapper, params string[] arguments)
    {
        string[] line = [.. wrapper, Program, .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }

        return (process.ExitCode, await output + await error);
    }

    /// <summary>SIGKILL: nothing of the process runs after this.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and the exit code of the orderly end.</summary>
    public async Task<int> StopAsync()
    {
        _ = Signals.Send(ProcessId, Signals.Terminate);
        await Exited.WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>The exit code of a process that ends by itself.</summary>
    public async Task<int> EndAsync()
    {
        await Exited.WaitAsync(Patience);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    // The log is one JSON object per line: event 1 says where the server listens, 2 that it is ready.
    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.AppendLine(line);
        }

        if (!line.StartsWith('{'))
        {
            return;
        }

        using JsonDocument entry = JsonDocument.Parse(line);
        if (entry.RootElement.GetProperty("Category").GetString() == "Weir" && entry.RootElement.GetProperty("EventId").GetInt32() is int id and (1 or 2))
        {
            var address = new Uri(entry.RootElement.GetProperty("State").GetProperty("Address").GetString()!);
            (id == 1 ? _listening : _ready).TrySetResult(address);
        }
    }

    private void EndWaits()
    {
        var ended = new InvalidOperationException($"The server ended; it printed:\n{Output}");
        _listening.TrySetException(ended);
        _ready.TrySetException(ended);

        // Nobody need look at either: a server that was killed in a test ends like this.
        _ = _listening.Task.Exception;
        _ = _ready.Task.Exception;
    }
}
