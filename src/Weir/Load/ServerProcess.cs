using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Weir.Core;

namespace Weir.Cli.Load;

/// <summary>
/// This same executable as a server in a process of its own, on a fixed port so that it can be killed and started again at the same
/// address. Its output goes to a file. Disposing kills what still runs.
/// </summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(5);

    private readonly string[] _arguments;
    private Process? _process;

    /// <param name="arguments">Of the command that serves at <paramref name="address"/>: <c>serve FILE</c>.</param>
    public ServerProcess(string[] arguments, string logFile, IPEndPoint address)
    {
        _arguments = arguments;
        LogFile = logFile;
        Address = address;
    }

    public IPEndPoint Address { get; }

    /// <summary>What the process prints; appended to by every start.</summary>
    public string LogFile { get; }

    public Uri Url => new($"http://{Address}/");

    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("The server is not running.");

    /// <summary>Starts it and waits until it serves.</summary>
    /// <returns>Time from the start of the process to the first 200 of /readyz.</returns>
    /// <exception cref="WeirException">It ended, or does not serve within <paramref name="patience"/>; the detail holds its last lines.</exception>
    public async Task<TimeSpan> StartAsync(TimeSpan patience, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        Launch();
        while (!IsReady())
        {
            if (_process!.HasExited || Stopwatch.GetElapsedTime(started) > patience)
            {
                string how = _process.HasExited ? $"ended with code {_process.ExitCode}" : $"does not serve after {TextTable.Duration(patience)}";
                throw new WeirException(ErrorCode.ServerUnreachable, $"`weir {string.Join(' ', _arguments)}` {how}; {LogFile} ends with:\n{LastLines()}");
            }

            await Task.Delay(BetweenProbes, cancel);
        }

        return Stopwatch.GetElapsedTime(started);
    }

    /// <summary>Starts it and does not wait: it may die before it serves.</summary>
    /// <param name="wrapper">Program and arguments in front of the server's, which must become the server: strace -D.</param>
    public void Launch(params string[] wrapper)
    {
        _process?.Dispose();

        // The shell puts the output into the file without this process between: a killed demo never blocks its server on a full pipe.
        // A session of its own keeps the terminal's Ctrl-C from it: it is told to stop once, by this process.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true };
        string[] line = [.. wrapper, Path.Combine(AppContext.BaseDirectory, "weir"), .. _arguments];
        foreach (string argument in (string[])["-c", "log=$0; exec setsid \"$@\" >>\"$log\" 2>&1 </dev/null", LogFile, .. line])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
    }

    public bool HasExited => _process!.HasExited;

    /// <summary>SIGKILL: nothing of the process runs after this, nothing is flushed.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, then waits for the orderly end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        if (!_process!.HasExited)
        {
            _ = SendSignal(_process.Id, SigTerm);
        }

        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public Task WaitForExitAsync(CancellationToken cancel) => _process!.WaitForExitAsync(cancel);

    /// <summary>Bytes of physical memory that the process holds now (VmRSS); 0 where /proc is missing.</summary>
    public long ResidentBytes => ReadStatus("VmRSS:");

    /// <summary>Processor time of all its threads since it started.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            Kill();
        }

        _process?.Dispose();
        _process = null;
    }

    /// <summary>A port that nobody listened on a moment ago.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, port: 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public static bool IsPortFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private const int SigTerm = 15;

    private bool IsReady()
    {
        try
        {
            using var connection = new RawConnection(Address);
            connection.Exchange("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8);
            return connection.Status == 200;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private string LastLines() => File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(20)) : "";

    private long ReadStatus(string name)
    {
        string file = $"/proc/{ProcessId}/status";
        string? line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) : null;
        return line is null ? 0 : long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int processId, int signal);
}
