namespace Weir.CrashTests.CrashStates;

/// <summary>Records the workload over three processes: one that makes everything and is killed, one that recovers from that and is stopped in order, one more.</summary>
internal sealed class StateRecording
{
    private readonly WorkDirectory _directory;
    private readonly Recorder _recorder;
    private readonly IReadOnlyList<Queue<Exchange>> _scripts = StateWorkload.Scripts();

    /// <summary>How many requests each client leaves for later.</summary>
    private int[] _kept = [];

    private StateRecording(WorkDirectory directory)
    {
        _directory = directory;
        _recorder = new Recorder(directory, Recording.Empty);
    }

    public static async Task<Recording> MakeAsync(WorkDirectory directory)
    {
        directory.Configure(StateWorkload.Definitions);
        var recording = new StateRecording(directory);

        // Killed under traffic, when the stream that retention will cut is full enough and has been closed.
        await recording.RunAsync(kept: [10, 9, 7], isEnough: (_, left) => left[2] <= 9, server => server.Kill());

        // Stopped under traffic, once what is written beside it is there.
        await recording.RunAsync(
            kept: [4, 4, 2],
            isEnough: (server, left) => left is [4, 4, 2] && recording.Holds("*.snapshot", 2) && recording.Holds("*.keys", 1) && server.Output.Contains("now begins at offset", StringComparison.Ordinal),
            server => Signals.Send(server.ProcessId, Signals.Terminate));

        // Killed when it has nothing left to do.
        await recording.RunAsync(kept: [0, 0, 0], isEnough: (_, left) => left is [0, 0, 0], server => server.Kill());
        return recording._recorder.Recording;
    }

    private Task RunAsync(int[] kept, Func<ServerUnderTest, int[], bool> isEnough, Action<ServerUnderTest> end) => _recorder.RunAsync(_scripts.Count, async (server, clients) =>
    {
        _kept = kept;
        Task[] working = [.. _scripts.Select((script, i) => WorkAsync(i, script, clients[i], server))];
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience * 2);
        while (!isEnough(server, [.. _scripts.Select(script => script.Count)]))
        {
            string left = string.Join(", ", _scripts.Select(script => script.Count));
            Assert.False(patience.IsCancellationRequested, $"The workload does not come to the place where the process ends: {left} requests left.\n{server.Output}");
            foreach (Task failed in working.Where(task => task.IsFaulted))
            {
                await failed;
            }

            await Task.Delay(5);
        }

        // What was kept is on its way when the end comes.
        _kept = [0, 0, 0];
        end(server);
        await server.Exited.WaitAsync(ServerUnderTest.Patience);
        await Task.WhenAll(working);
    });

    // What was not answered stays first, and is sent again to the next process.
    private async Task WorkAsync(int number, Queue<Exchange> script, RecordedClient client, ServerUnderTest server)
    {
        while (script.TryPeek(out Exchange? next) && !server.HasExited)
        {
            if (script.Count <= _kept[number])
            {
                await Task.Delay(5);
                continue;
            }

            Exchange answered = await client.SendAsync(next);
            if (answered.Status is 0 or >= 500)
            {
                return;
            }

            Assert.True(answered.Status is >= 200 and < 300, $"{answered}: {answered.Text}");
            script.Dequeue();
        }
    }

    private bool Holds(string pattern, int count) => Directory.GetFiles(_directory.Data, pattern, SearchOption.AllDirectories).Length >= count;
}
