namespace Weir.CrashTests;

/// <summary>
/// One client: makes bodies, sends each until every event in it is decided, and sometimes sends an old one again. Sequential, so that the order of
/// its acknowledgements is an order.
/// </summary>
internal sealed class Client(RestartingServer server, History history, Workload workload, Random random)
{
    private const int MostEvents = 60;

    private readonly List<IReadOnlyList<SentEvent>> _decided = [];

    /// <summary>Sends until cancelled; the body in hand is finished.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            bool isLateRetry = _decided.Count > 0 && random.Next(15) == 0;
            IReadOnlyList<SentEvent> body = isLateRetry ? _decided[random.Next(_decided.Count)] : workload.NextBody(MostEvents);
            await SendUntilDecidedAsync(body);
            if (!isLateRetry)
            {
                _decided.Add(body);
            }
        }
    }

    /// <summary>Sends the same body again and again until nothing in it is unknown.</summary>
    public async Task SendUntilDecidedAsync(IReadOnlyList<SentEvent> events)
    {
        while (true)
        {
            ServerApi api = await server.ApiAsync();
            history.Sending(events);
            Answer? answer = await TrySendAsync(api, events);
            if (answer is { Status: 200 or 422 })
            {
                Assert.True(answer.Outcomes.Count == events.Count || events.Count == 1, answer.Text);
                return;
            }

            // Killed, stopped or recovering: nothing is known beyond the verdicts that the answer lists.
            await Task.Delay(random.Next(5, 30));
        }
    }

    /// <summary>Waits until all clients together have so many answers. Progress, not time, decides when something is due: a slow machine only takes longer.</summary>
    public static async Task AnswersReachAsync(History history, long count, IReadOnlyList<Task> running)
    {
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
        while (history.Answers < count)
        {
            Assert.False(patience.IsCancellationRequested, $"No {count} answers after {ServerUnderTest.Patience}: {history.Answers}.");
            foreach (Task failed in running.Where(task => task.IsFaulted))
            {
                await failed;
            }

            await Task.Delay(5);
        }
    }

    private async Task<Answer?> TrySendAsync(ServerApi api, IReadOnlyList<SentEvent> events)
    {
        try
        {
            Answer answer = await api.SendAsync(events[0].Stream, events);
            Assert.True(answer.Status is 200 or 422 or 503 or 507, answer.Text);
            history.Answered(events, answer.Outcomes);
            return answer;
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or ObjectDisposedException)
        {
            return null;
        }
    }
}
