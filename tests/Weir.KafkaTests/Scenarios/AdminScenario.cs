using System.Net;
using System.Text.Json;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests.Scenarios;

/// <summary>
/// A client makes a topic, shows and changes its retention, is refused more partitions, deletes it; it lists, describes and deletes a group. After each call HTTP says
/// whether it has happened. Calls that the client does not have are left out.
/// </summary>
internal static class AdminScenario
{
    private const string Retention = "retention.ms";
    private const string Hour = "3600000";

    public static async Task<string> RunAsync(ClientBench bench)
    {
        // It leaves a group behind.
        await bench.RunAsync(Scenario.Group);
        WeirServer server = await bench.ServerAsync();
        using LineProcess process = bench.Client.Start("admin", server);
        int told = 0;

        if (Has("create"))
        {
            await AskAsync("create made 3");
            Assert.Equal(3, (await server.GetAsync("v1/streams/made")).GetProperty("partitions").GetArrayLength());
            Assert.NotEmpty(await RefusedAsync("create made 3"));
        }

        if (Has("configs"))
        {
            Assert.Equal("-1", (await AskAsync("configs made")).GetProperty(Retention).GetString());
        }

        if (Has("alter"))
        {
            await AskAsync($"alter made {Retention} {Hour}");
            Assert.Equal(Hour, (await AskAsync("configs made")).GetProperty(Retention).GetString());
            Assert.Equal("1h", (await server.GetAsync("v1/streams/made")).GetProperty("definition").GetProperty("retention").GetString());
        }

        if (Has("partitions"))
        {
            Assert.Contains("partitions", await RefusedAsync("partitions made 5"), StringComparison.Ordinal);
            Assert.Equal(3, (await server.GetAsync("v1/streams/made")).GetProperty("partitions").GetArrayLength());
        }

        if (Has("delete"))
        {
            await AskAsync("delete made");
            Assert.Equal(HttpStatusCode.NotFound, await server.StatusOfAsync("v1/streams/made"));
        }

        if (Has("groups"))
        {
            Assert.Contains(GroupScenario.Group, await GroupsAsync());
        }

        if (Has("group"))
        {
            // Some clients end without the last word to their group, which waits for them until their session is over.
            using var patience = new CancellationTokenSource(LineProcess.Patience);
            while ((await AskAsync($"group {GroupScenario.Group}")).GetString() is var state && state != "Empty")
            {
                Assert.False(patience.IsCancellationRequested, $"The group stays {state}");
                await Task.Delay(100);
            }
        }

        if (Has("forget"))
        {
            await AskAsync($"forget {GroupScenario.Group}");
            Assert.DoesNotContain(GroupScenario.Group, await GroupsAsync());
        }

        await process.EndAsync();
        return string.Join(", ", bench.Client.AdminSteps.Select(Title));

        bool Has(string step) => bench.Client.AdminSteps.Contains(step);

        async Task<IEnumerable<string?>> GroupsAsync() => (await AskAsync("groups")).EnumerateArray().Select(group => group.GetString());

        async Task<JsonElement> AskAsync(string line)
        {
            JsonElement answer = await StepAsync(line);
            return answer.TryGetProperty("answer", out JsonElement found) ? found : throw new InvalidOperationException($"{line}: {answer}");
        }

        async Task<string> RefusedAsync(string line)
        {
            JsonElement answer = await StepAsync(line);
            return answer.TryGetProperty("error", out JsonElement found) ? found.GetString()! : throw new InvalidOperationException($"{line} was not refused: {answer}");
        }

        async Task<JsonElement> StepAsync(string line)
        {
            await process.WriteAsync(line);
            told++;
            await process.WaitAsync(lines => Told.Parse(lines).Count() >= told, line);
            return Told.Parse(process.Lines).ElementAt(told - 1);
        }
    }

    private static string Title(string step) => step switch
    {
        "create" => "create",
        "configs" => "describe",
        "alter" => "alter",
        "partitions" => "add partitions (refused)",
        "delete" => "delete",
        "groups" => "list groups",
        "group" => "describe group",
        "forget" => "delete group",
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, null),
    };
}
