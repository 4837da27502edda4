using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Server.Configuration;
using Weir.Storage;

namespace Weir.Server.Tests.Support;

/// <summary>The real server on a port of its own over a directory of its own. Dispose stops it and deletes the directory.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory;

    private TestServer(string directory, ServerHost host)
    {
        _directory = directory;
        Host = host;
        Client = new HttpClient { BaseAddress = host.Address, Timeout = Patience };
    }

    public ServerHost Host { get; }

    public HttpClient Client { get; }

    public string DataDirectory => Path.Combine(_directory, "data");

    /// <param name="yaml">Streams and views; address and data are the test's.</param>
    public static async Task<TestServer> StartAsync(string yaml = "", IReadOnlyDictionary<string, string>? environment = null, IReadOnlyList<string>? recountCommand = null, IDisk? disk = null)
    {
        string directory = Directory.CreateTempSubdirectory("weir-server-").FullName;
        return await StartInAsync(directory, yaml, environment, recountCommand, disk);
    }

    public static async Task<TestServer> StartInAsync(string directory, string yaml, IReadOnlyDictionary<string, string>? environment = null, IReadOnlyList<string>? recountCommand = null, IDisk? disk = null)
    {
        string file = Path.Combine(directory, "weir.yaml");
        await File.WriteAllTextAsync(file, yaml);
        WeirConfiguration configuration = WeirConfiguration.Load(new ConfigurationSources
        {
            File = file,
            Environment = environment ?? new Dictionary<string, string>(),
            CommandLine = new Dictionary<string, string> { [ConfigurationKeys.Data] = Path.Combine(directory, "data"), [ConfigurationKeys.Listen] = "127.0.0.1:0" },
            IsTerminal = true,
        });
        ServerHost host = await ServerHost.StartAsync(configuration, new ServerHostOptions
        {
            LogsToConsole = false,
            Disk = disk ?? LinuxDisk.Instance,
            RecountCommand = recountCommand ?? [],
        });
        try
        {
            await host.Ready.WaitAsync(Patience);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }

        return new TestServer(directory, host);
    }

    public async Task<Answer> PostAsync(string path, HttpContent content) => await Answer.OfAsync(await Client.PostAsync(path, content));

    public Task<Answer> PostAsync(string path, string body, string contentType = "application/json") =>
        PostAsync(path, Content(Encoding.UTF8.GetBytes(body), contentType));

    public async Task<Answer> PutAsync(string path, string json) => await Answer.OfAsync(await Client.PutAsync(path, Content(Encoding.UTF8.GetBytes(json), "application/json")));

    public async Task<Answer> GetAsync(string path) => await Answer.OfAsync(await Client.GetAsync(path));

    public async Task<Answer> SendAsync(HttpRequestMessage request) => await Answer.OfAsync(await Client.SendAsync(request));

    public static ByteArrayContent Content(byte[] body, string? contentType)
    {
        var content = new ByteArrayContent(body);
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return content;
    }

    /// <summary>Stops the server and keeps its directory for another one.</summary>
    public async Task<string> StopAsync()
    {
        await Host.DisposeAsync();
        return _directory;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>An answer read to its end.</summary>
internal sealed record Answer(HttpStatusCode Status, string? ContentType, string Text, HttpResponseMessage Message)
{
    public JsonObject Json => JsonNode.Parse(Text)!.AsObject();

    public string? Code => Json["code"]?.GetValue<string>();

    public JsonArray Verdicts => Json["verdicts"]!.AsArray();

    public static async Task<Answer> OfAsync(HttpResponseMessage message) =>
        new(message.StatusCode, message.Content.Headers.ContentType?.MediaType, await message.Content.ReadAsStringAsync(), message);

    public long Count(string outcome) => Json[outcome]!.GetValue<long>();

    public string? Header(string name) => Message.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(',', values) : null;

    public override string ToString() => $"{(int)Status} {Text}";
}
