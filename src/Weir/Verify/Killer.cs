using System.Diagnostics;
using Weir.Cli.Load;

namespace Weir.Cli.Verify;

/// <summary>
/// Kills the server with SIGKILL and starts it again: at random moments, while it starts, and where strace is asked for as a thread enters its n-th
/// write, flush or rename. One task.
/// </summary>
internal sealed class Killer(ServerProcess server, History history, VerifySettings settings, Random random, string straceLog, TimeSpan patience)
{
    private static readonly string[] Calls = ["pwrite64", "fdatasync", "fsync", "rename"];
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(3);

    private long _answersAtStart;
    private int _kills;

    private enum Way
    {
        AtMoment,
        WhileStarting,
        AtCall,
    }

    public int Kills => Volatile.Read(ref _kills);

    /// <summary>How many of them hit a process that did not serve yet.</summary>
    public int WhileStarting { get; private set; }

    /// <summary>How many of them fell on a call.</summary>
    public int AtCalls { get; private set; }

    /// <summary>From the start of a process to its first answer of ready, for every start that was waited for.</summary>
    public LatencyHistogram Recovery { get; } = new();

    /// <summary>Makes all kills within the run's time, as far as recovery lets it; the server serves at the end.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        TimeSpan[] moments = [.. Enumerable.Range(0, settings.Kills).Select(_ => settings.Duration * random.NextDouble()).Order()];
        Way way = Way.AtMoment;
        foreach (TimeSpan moment in moments)
        {
            await KillAsync(way, moment - Stopwatch.GetElapsedTime(started), cancel);
            Interlocked.Increment(ref _kills);
            way = Kills == settings.Kills ? Way.AtMoment : NextWay();
            _answersAtStart = history.Answers;
            if (way == Way.AtMoment)
            {
                Recovery.Record(await server.StartAsync(patience, cancel));
            }
            else
            {
                server.Launch(way == Way.AtCall ? Strace.KillAt(straceLog, Calls[random.Next(Calls.Length)], random.Next(1, 25)) : []);
            }
        }
    }

    private async Task KillAsync(Way way, TimeSpan due, CancellationToken cancel)
    {
        if (way == Way.AtCall)
        {
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            enough.CancelAfter(LongestWait + (due > TimeSpan.Zero ? due : TimeSpan.Zero));
            try
            {
                await server.WaitForExitAsync(enough.Token);
                AtCalls++;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // No thread makes this call so often in this time: it dies like the others.
            }
        }
        else if (way == Way.WhileStarting)
        {
            await Task.Delay(random.Next(400), cancel);
            WhileStarting++;
        }
        else
        {
            if (due > TimeSpan.Zero)
            {
                await Task.Delay(due, cancel);
            }

            await ServeSomeAsync(cancel);
        }

        server.Kill();
    }

    /// <summary>A kill of a server that has answered nothing since the last one would show little: it waits for some answers, though not for ever.</summary>
    private async Task ServeSomeAsync(CancellationToken cancel)
    {
        long began = Stopwatch.GetTimestamp();
        long enough = _answersAtStart + random.Next(10, 40);
        while (history.Answers < enough && Stopwatch.GetElapsedTime(began) < LongestWait)
        {
            await Task.Delay(1, cancel);
        }
    }

    private Way NextWay() => settings.AtCalls && random.Next(2) == 0 ? Way.AtCall : random.Next(5) == 0 ? Way.WhileStarting : Way.AtMoment;
}
