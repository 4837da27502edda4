using System.Text.RegularExpressions;

namespace Weir.CrashTests.CrashStates;

/// <summary>Starts the real server on the files of a state, and checks it. What fails is kept: the files as they were before the start, and what was said.</summary>
internal sealed partial class StateTrial(Recording recording, CrashState state)
{
    /// <summary>
    /// In one state of so many one view, another each time, is also counted again by the second implementation; the server is stopped in order, and
    /// <c>weir log check</c> verifies every byte.
    /// </summary>
    private const int ThoroughEvery = 10;

    /// <summary>Ids of the log that no state of a power loss explains: damage, stopped or unwritable partitions, unreadable definitions, a node that failed.</summary>
    private static readonly HashSet<int> Forbidden = [1003, 1004, 1006, 1007, 1008, 1010, 1011, 1013, 1016, 1017, 1018, 1019];

    /// <summary>Starts, checks, and ends the server.</summary>
    /// <param name="number">The state's among those tried.</param>
    /// <returns>Null, or what is wrong.</returns>
    public async Task<string?> RunAsync(Layout layout, int number)
    {
        using var directory = new WorkDirectory();
        directory.Configure(StateWorkload.Definitions);
        layout.WriteTo(directory.Path);
        string output = "";
        try
        {
            // Not worth its time in a process that lives for a second.
            using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, "env", "DOTNET_TieredPGO=0");
            Uri address = await server.Ready;
            using var api = new ServerApi(address);
            using var client = new RecordedClient(address);
            try
            {
                await new StateCheck(recording.At(state.Horizon), api, client, new Random(number)).HoldsAsync();
                if (number % ThoroughEvery == 0)
                {
                    await EndsWellAsync(directory, server, api, number);
                }
            }
            finally
            {
                output = server.Output;
            }

            if (Unexplained(output) is { } unexplained)
            {
                throw new InvalidDataException($"The server says what no power loss explains: {unexplained}");
            }

            return null;
        }
        catch (Exception failure)
        {
            return $"state {number}: {failure.Message}\nfiles, state and log: {Keep(layout, number, failure, output)}";
        }
    }

    private static async Task EndsWellAsync(WorkDirectory directory, ServerUnderTest server, ServerApi api, int number)
    {
        string[] views = [.. (await api.GetAsync("v1/views")).GetProperty("views").EnumerateArray().Select(view => view.GetProperty("name").GetString()!)];
        string counted = views[number / ThoroughEvery % views.Length];
        Invariants.RecountEqualsLive(counted, await api.RecountAsync(counted));
        Assert.Equal(0, await server.StopAsync());
        (int code, string said) = await ServerUnderTest.RunAsync("log", "check", directory.Data);
        Assert.True(code == 0, said);
    }

    // A snapshot is rightly passed over that has its name before the verdicts beside it have theirs, or from whose offset retention has cut the log: only its
    // own bytes are never bad.
    private static string? Unexplained(string output) => output.Split('\n').FirstOrDefault(line =>
        EventPattern().Match(line) is { Success: true } found
        && Forbidden.Contains((int)StraceText.LeadingNumber(found.Groups["id"].Value))
        && !line.Contains("was passed over: verdicts of", StringComparison.Ordinal)
        && !line.Contains(": the log holds ", StringComparison.Ordinal));

    private string Keep(Layout layout, int number, Exception failure, string output)
    {
        string kept = Directory.CreateTempSubdirectory($"weir-crash-state-{number}-").FullName;
        layout.WriteTo(kept);
        File.WriteAllText(Path.Combine(kept, "state.txt"), $"{state.Describe(recording)}\n\n{failure}\n\n{output}");
        return kept;
    }

    [GeneratedRegex("\"EventId\":(?<id>\\d+),")]
    private static partial Regex EventPattern();
}
