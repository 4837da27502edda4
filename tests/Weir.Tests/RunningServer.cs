using Weir.Server;
using Weir.Server.Configuration;

namespace Weir.Cli.Tests;

/// <summary>A server in this process on a free port, with the stream and the view of examples/voting; data deleted after.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private ServerHost _host;
    private readonly string _folder;

    private RunningServer(ServerHost host, string folder)
    {
        _host = host;
        _folder = folder;
    }

    public string Url => _host.Address.ToString();

    public string Data => Path.Combine(_folder, "data");

    public static async Task<RunningServer> StartAsync()
    {
        string folder = Directory.CreateTempSubdirectory("weir-cli-").FullName;
        return new RunningServer(await StartAsync(folder), folder);
    }

    /// <summary>Starts again on the same data, after <see cref="StopAsync"/>.</summary>
    public async Task RestartAsync()
    {
        await _host.DisposeAsync();
        _host = await StartAsync(_folder);
    }

    private static async Task<ServerHost> StartAsync(string folder)
    {
        ServerHost host = await ServerHost.StartAsync(
            WeirConfiguration.Load(new ConfigurationSources
            {
                File = Repository.PathOf("examples", "voting", "weir.yaml"),
                CommandLine = new Dictionary<string, string> { ["http.listen"] = "127.0.0.1:0", ["data"] = Path.Combine(folder, "data"), ["http.drain"] = "0s" },
            }),
            new ServerHostOptions { LogsToConsole = false, RecountCommand = [Path.Combine(AppContext.BaseDirectory, "weir"), "recount-child"] });
        await host.Ready;
        return host;
    }

    /// <summary>A file of lines in the server's folder.</summary>
    public string WriteLines(string name, params string[] lines)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllText(file, string.Join('\n', lines) + "\n");
        return file;
    }

    /// <summary>Runs a command line against this server.</summary>
    public Task<CommandRun> RunAsync(params string[] args) => CommandRun.OfAsync([.. args, "--url", Url]);

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
