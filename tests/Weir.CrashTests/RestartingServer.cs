namespace Weir.CrashTests;

/// <summary>
/// A server that is killed and started again at new ports, over one data directory. Clients ask it for the address and wait while there is none.
/// One task kills and starts; any task asks.
/// </summary>
internal sealed class RestartingServer(WorkDirectory directory) : IDisposable
{
    private volatile TaskCompletionSource<ServerApi> _api = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ServerApi> _past = [];
    private ServerUnderTest? _server;

    public int Kills { get; private set; }

    /// <summary>What the last process printed.</summary>
    public string Output => _server?.Output ?? "";

    /// <summary>No process runs now.</summary>
    public bool IsDown => _server is null || _server.HasExited;

    public ServerUnderTest Server => _server ?? throw new InvalidOperationException("not started");

    /// <summary>The API of the process that serves now, or will serve next.</summary>
    public Task<ServerApi> ApiAsync() => _api.Task.WaitAsync(ServerUnderTest.Patience * 2);

    /// <summary>Starts and waits until it serves.</summary>
    public async Task StartAsync(params string[] wrapper)
    {
        _server?.Dispose();
        _server = await ServerUnderTest.StartAsync(directory.Configuration, wrapper);
        Open(await _server.Ready);
    }

    /// <summary>Starts a process that may die while it starts; clients learn of it when it serves.</summary>
    /// <returns>Completes when the process has ended.</returns>
    public Task LaunchDoomed(params string[] wrapper)
    {
        _server?.Dispose();
        _server = ServerUnderTest.Launch(directory.Configuration, wrapper);
        _ = OpenWhenReadyAsync(_server);
        return EndedAsync(_server);
    }

    public void Kill()
    {
        Close();
        _server!.Kill();
        Kills++;
    }

    /// <summary>SIGTERM; returns the exit code. Clients see the old address until the process has ended.</summary>
    public async Task<int> StopAsync()
    {
        int code = await _server!.StopAsync();
        Close();
        return code;
    }

    public void Dispose()
    {
        _server?.Dispose();
        _past.ForEach(api => api.Dispose());
    }

    private async Task OpenWhenReadyAsync(ServerUnderTest server)
    {
        try
        {
            Open(await server.Ready);
        }
        catch (InvalidOperationException)
        {
            // It ended before it was ready, as it may.
        }
    }

    private async Task EndedAsync(ServerUnderTest server)
    {
        await server.Exited;
        Close();
    }

    private void Open(Uri address)
    {
        var api = new ServerApi(address);
        lock (_past)
        {
            _past.Add(api);
        }

        _api.TrySetResult(api);
    }

    private void Close()
    {
        if (_api.Task.IsCompleted)
        {
            _api = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
