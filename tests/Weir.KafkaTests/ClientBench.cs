using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>A client with a server to try it on, and what became of each scenario: each runs once, whichever test asks first.</summary>
public abstract class ClientBench : IAsyncLifetime
{
    private readonly Dictionary<Scenario, Task<string>> _runs = [];
    private WeirServer? _server;

    private protected ClientBench(KafkaClient client)
    {
        Client = client;
    }

    internal KafkaClient Client { get; }

    /// <summary>The streams and views of the scenarios, with the client's own partitioner.</summary>
    internal string Definitions => $$"""
        streams:
          votes: { partitions: 4, key: user, id: id, partitioner: {{Client.Partitioner}} }
          plain: { partitions: 3 }
          codecs: { partitions: 1 }
          shared: { partitions: 6, key: user, partitioner: {{Client.Partitioner}} }
          timed: { partitions: 2, key: user, partitioner: {{Client.Partitioner}} }
        views:
          results: SELECT choice, count(*) AS n FROM votes GROUP BY choice
          plainly: SELECT choice, count(*) AS n FROM plain GROUP BY choice
        """;

    /// <summary>The server that scenarios share which do not kill theirs.</summary>
    internal async Task<WeirServer> ServerAsync() => _server ??= await WeirServer.StartAsync(Definitions);

    /// <summary>Runs a scenario, or gives what it gave before.</summary>
    /// <returns>What the table says of it.</returns>
    internal Task<string> RunAsync(Scenario scenario)
    {
        if (!_runs.TryGetValue(scenario, out Task<string>? run))
        {
            _runs[scenario] = run = scenario.Run(this);
        }

        return run;
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}
