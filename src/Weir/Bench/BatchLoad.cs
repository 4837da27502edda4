using System.Diagnostics;
using System.Net;
using System.Text;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>
/// Sends batches of votes over several connections, a thread and one request in flight each, as fast as they are answered or at an open
/// pace. Latency is from sending to answer; at a pace, from the moment the request was due if the connection was still busy then.
/// </summary>
internal sealed class BatchLoad
{
    private readonly IPEndPoint _server;
    private readonly string _stream;
    private readonly UserChoice _users;
    private long _sent;
    private int _runs;
    private long _nextId;

    public BatchLoad(IPEndPoint server, string stream, UserChoice users)
    {
        _server = server;
        _stream = stream;
        _users = users;
    }

    /// <summary>Votes acknowledged so far, over all runs; for progress.</summary>
    public long Acknowledged => Interlocked.Read(ref _sent);

    /// <param name="events">A multiple of <paramref name="batch"/> is sent: the next one at or above.</param>
    /// <param name="perSecond">Votes per second; 0: as fast as they are answered.</param>
    /// <exception cref="WeirException">The server answers with an error, or went away.</exception>
    public async Task<(LoadTotals Totals, TimeSpan Elapsed)> RunAsync(long events, int connections, int batch, double perSecond, CancellationToken cancel)
    {
        long batches = (events + batch - 1) / batch;
        long nextBatch = -1;
        int firstSeed = ++_runs * 1000;
        long started = Stopwatch.GetTimestamp();
        LoadTotals[] totals = await Task.WhenAll(Enumerable.Range(0, connections).Select(thread =>
            Task.Factory.StartNew(() => SendLoop(thread), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        var total = new LoadTotals();
        Array.ForEach(totals, total.Add);
        return (total, elapsed);

        LoadTotals SendLoop(int thread)
        {
            var mine = new LoadTotals();
            var body = new VoteBody(_stream, batch, _users, firstSeed + thread);
            using var connection = new RawConnection(_server);
            while (Interlocked.Increment(ref nextBatch) is var index && index < batches && !cancel.IsCancellationRequested)
            {
                body.Renew((ulong)(Interlocked.Add(ref _nextId, batch) - batch));
                long begin = perSecond > 0 ? WaitUntil(started, index * batch / perSecond) : Stopwatch.GetTimestamp();
                while (!TrySend(connection, body, mine))
                {
                    cancel.ThrowIfCancellationRequested();
                    mine.Repeated++;
                    Thread.Sleep(Math.Max(10, connection.RetryAfterSeconds * 1000));
                }

                mine.Latency.RecordSince(begin);
                Interlocked.Add(ref _sent, batch);
            }

            cancel.ThrowIfCancellationRequested();
            return mine;
        }
    }

    /// <summary>Times that later starts count from here.</summary>
    private static long WaitUntil(long started, double dueSeconds)
    {
        long due = started + (long)(dueSeconds * Stopwatch.Frequency);
        long left = due - Stopwatch.GetTimestamp();
        if (left <= 0)
        {
            return due;
        }

        // What the timer oversleeps is the generator's, not the server's.
        Thread.Sleep(TimeSpan.FromSeconds((double)left / Stopwatch.Frequency));
        return Stopwatch.GetTimestamp();
    }

    private static bool TrySend(RawConnection connection, VoteBody body, LoadTotals totals)
    {
        connection.Exchange(body.Request);
        if (connection.Status == 200 && totals.TryAdd(connection.Body, body.Votes))
        {
            return true;
        }

        return connection.Status is 429 or 503
            ? false
            : throw new WeirException(ErrorCode.Internal, $"the server answered {connection.Status}: {Encoding.UTF8.GetString(connection.Body[..Math.Min(connection.Body.Length, 500)])}");
    }
}
