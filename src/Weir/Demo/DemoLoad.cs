using System.Diagnostics;
using Weir.Cli.Load;

namespace Weir.Cli.Demo;

/// <summary>
/// Sends votes from several threads, one connection and one body in flight each. A body without an answer, or with a 429 or 503, is sent
/// again with the same bytes until it is decided, on a new connection where the old one broke: the server may be killed meanwhile.
/// </summary>
internal sealed class DemoLoad
{
    private const double RetryShare = 0.01;
    private const double SecondVoteShare = 0.01;
    private const double MalformedShare = 0.001;

    private readonly ServerProcess _server;
    private readonly Oracle _oracle;
    private readonly TimeSpan _patience;
    private long _secondVotes;

    /// <param name="patience">How long a body is repeated before the demo gives up.</param>
    public DemoLoad(ServerProcess server, Oracle oracle, TimeSpan patience)
    {
        _server = server;
        _oracle = oracle;
        _patience = patience;
    }

    /// <summary>Sends <paramref name="lines"/> lines: votes mixed with retries, second votes and malformed lines.</summary>
    /// <param name="perSecond">The open pace: a body is due at its time whether or not earlier ones were answered. 0: as fast as they go.</param>
    public Task<LatencyHistogram> SendMixAsync(int connections, int batchLines, long lines, double perSecond, CancellationToken cancel) =>
        SendAsync(connections, batchLines, lines, perSecond, FillMix, cancel);

    /// <summary>Sends new votes only, which must all come too late.</summary>
    public Task<LatencyHistogram> SendAfterCloseAsync(int lines, CancellationToken cancel) =>
        SendAsync(connections: 1, batchLines: 500, lines, perSecond: 0, FillAfterClose, cancel);

    private async Task<LatencyHistogram> SendAsync(
        int connections, int batchLines, long lines, double perSecond, Action<DemoBatch, int, Random> fill, CancellationToken cancel)
    {
        long batches = (lines + batchLines - 1) / batchLines;
        long nextBatch = -1;
        long started = Stopwatch.GetTimestamp();
        LatencyHistogram[] latencies = await Task.WhenAll(Enumerable.Range(0, connections).Select(thread =>
            Task.Factory.StartNew(() => SendLoop(thread), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        var total = new LatencyHistogram();
        Array.ForEach(latencies, total.Add);
        return total;

        LatencyHistogram SendLoop(int thread)
        {
            var latency = new LatencyHistogram();
            var batch = new DemoBatch(batchLines);
            var random = new Random(unchecked((thread * 7919) + (int)lines));
            using var connection = new PatientConnection(_server.Address, _patience, longestPause: _patience);
            while (Interlocked.Increment(ref nextBatch) is var index && index < batches)
            {
                cancel.ThrowIfCancellationRequested();
                if (perSecond > 0)
                {
                    WaitUntil(started, TimeSpan.FromSeconds(index * batchLines / perSecond));
                }

                batch.Clear();
                fill(batch, (int)Math.Min(batchLines, lines - (index * batchLines)), random);
                SendUntilDecided(batch, connection, latency, cancel);
            }

            return latency;
        }
    }

    private void FillMix(DemoBatch batch, int lines, Random random)
    {
        for (int i = 0; i < lines; i++)
        {
            double chance = random.NextDouble();
            int acknowledged = chance < RetryShare + SecondVoteShare ? _oracle.FindAcknowledged(random.Next(Math.Max(1, _oracle.Next))) : -1;
            Span<byte> target = batch.Buffer.Reserve(DemoVotes.MaxLineBytes);
            if (acknowledged >= 0 && chance < RetryShare)
            {
                batch.Buffer.Advance(DemoVotes.WriteVote(target, acknowledged));
                batch.Lines.Add((LineKind.Retry, acknowledged));
            }
            else if (acknowledged >= 0)
            {
                batch.Buffer.Advance(DemoVotes.WriteSecondVote(target, Interlocked.Increment(ref _secondVotes), acknowledged));
                batch.Lines.Add((LineKind.SecondVote, acknowledged));
            }
            else if (chance > 1 - MalformedShare)
            {
                batch.Buffer.Advance(DemoVotes.WriteMalformed(target, i));
                batch.Lines.Add((LineKind.Malformed, i));
            }
            else
            {
                int number = _oracle.TakeNumber();
                batch.Buffer.Advance(DemoVotes.WriteVote(target, number));
                batch.Lines.Add((LineKind.Vote, number));
            }
        }
    }

    private void FillAfterClose(DemoBatch batch, int lines, Random random)
    {
        for (int i = 0; i < lines; i++)
        {
            int number = _oracle.TakeNumber();
            batch.Buffer.Advance(DemoVotes.WriteVote(batch.Buffer.Reserve(DemoVotes.MaxLineBytes), number));
            batch.Lines.Add((LineKind.AfterClose, number));
        }
    }

    private void SendUntilDecided(DemoBatch batch, PatientConnection connection, LatencyHistogram latency, CancellationToken cancel)
    {
        connection.SendUntilDecided(
            () => batch.Buffer.Request(allVerdicts: ++batch.Attempts > 1),
            answer => answer.Status is 200 or 422 && _oracle.TryRecord(batch, answer.Body),
            cancel);
        latency.RecordSince(connection.SentTimestamp);
    }

    private static void WaitUntil(long started, TimeSpan due)
    {
        TimeSpan left = due - Stopwatch.GetElapsedTime(started);
        if (left > TimeSpan.Zero)
        {
            Thread.Sleep(left);
        }
    }
}
