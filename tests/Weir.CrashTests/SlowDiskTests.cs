using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Weir.TestKit;

namespace Weir.CrashTests;

/// <summary>
/// Flushes of one partition that take 50 ms, 1 s and 30 s, under more load than that takes. Latency grows, memory does not; who is refused is told when to come again;
/// another stream of the same writer thread goes on; and when the disk is quick again everything is there once.
/// </summary>
public sealed class SlowDiskTests(ITestOutputHelper output)
{
    private const int Clients = 100;
    private const int EventsPerBody = 125;

    // What waits in front of the partition, what is in the bodies of requests, and as much again for the runtime's own growth.
    private const long MoreMemoryAtMost = 160L << 20;

    private const string Definitions = """
        limits: { queue_bytes: 2MiB, request_bytes: 8MiB }
        streams:
          slow: { partitions: 1, id: id }
          other: { partitions: 1, id: id }
        views:
          slowly: SELECT count(*) AS n FROM slow
          otherwise: SELECT count(*) AS n FROM other
        """;

    // Of each flush time so many bodies are to be acknowledged. The last one takes a minute or two.
    private static readonly (TimeSpan Delay, int Bodies)[] Phases =
        TestScale.IsShort
            ? [(TimeSpan.FromMilliseconds(50), 150), (TimeSpan.FromSeconds(1), 30)]
            : [(TimeSpan.FromMilliseconds(50), 300), (TimeSpan.FromSeconds(1), 80), (TimeSpan.FromSeconds(30), 30)];

    [Fact]
    public async Task A_slow_disk_costs_time_and_neither_memory_nor_events_and_others_go_on()
    {
        Strace.Need();
        using var directory = new WorkDirectory();
        directory.Configure(Definitions);

        // One writer thread, so that nothing but the engine keeps the other stream apart; and no new segment, which strace would not know.
        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, "env", "WEIR_ENGINE__WRITER_THREADS=1", "WEIR_ENGINE__SEGMENT_BYTES=1GiB");
        using var crowd = new Crowd(await server.Ready);
        await crowd.RunUntilAsync(Clients * 2);
        await crowd.DrainAsync();
        string segment = Directory.GetFiles(directory.PartitionPath("slow", 0), "*.log").Order(StringComparer.Ordinal).Last();
        long resident = ResidentBytes(server.ProcessId);
        foreach ((TimeSpan delay, int bodies) in Phases)
        {
            crowd.Reset();
            long peak = 0;
            await using SlowFlushes slow = await SlowFlushes.BeginAsync(directory, server.ProcessId, segment, delay);
            await crowd.RunUntilAsync(bodies, delay, () => peak = Math.Max(peak, ResidentBytes(server.ProcessId)));
            int flushes = slow.Count;
            string phase = string.Create(
                CultureInfo.InvariantCulture,
                $"flush of {delay.TotalSeconds:0.##} s: {crowd.Acknowledged} bodies in {flushes} flushes, answered after {crowd.Fastest.TotalSeconds:0.00} to {crowd.Slowest.TotalSeconds:0.00} s; {crowd.Refused503} refused with 503, {crowd.Refused429} with 429, waited as told {crowd.CameBack}, taken then {crowd.TakenThen}; other stream {crowd.Others} answers while one of this one waited, the median after {crowd.OthersMedian.TotalMilliseconds:0} ms; memory {resident >> 20} MiB before, {peak >> 20} MiB at most");
            output.WriteLine(phase);
            Assert.True(crowd.Fastest >= delay, phase);
            Assert.True(crowd.Acknowledged >= 2 * flushes, $"No group commit. {phase}");
            Assert.True(crowd.Refused503 + crowd.Refused429 > 0 || delay < TimeSpan.FromSeconds(1), $"Nobody was refused. {phase}");
            Assert.True(crowd.OthersMedian < delay || delay < TimeSpan.FromSeconds(1), $"The other stream waits too. {phase}");
            Assert.True(peak <= resident + MoreMemoryAtMost, phase);
            await slow.DisposeAsync();
            await crowd.DrainAsync();
        }

        using var api = new ServerApi(await server.Ready);
        List<LoggedRecord> records = await api.ReadLogAsync("slow", 0);
        Assert.Equal(Enumerable.Range(0, records.Count).Select(i => (long)i), records.Select(record => record.Offset));
        Assert.Equal(crowd.SentIds.Order(StringComparer.Ordinal), records.Where(record => record.IsCounted).Select(record => record.Id).Order(StringComparer.Ordinal));
        Assert.Equal(crowd.SentIds.Count, (await api.CurrentViewAsync("slowly", "slow")).GetProperty("rows")[0].GetProperty("n").GetInt32());
        Invariants.RecountEqualsLive("slowly", await api.RecountAsync("slowly"));
        Invariants.RecountEqualsLive("otherwise", await api.RecountAsync("otherwise"));
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(0, (await ServerUnderTest.RunAsync("log", "check", directory.Data)).Code);
    }

    private static long ResidentBytes(int processId)
    {
        string line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>
    /// Clients that each send a body until all of it is decided, wait as long as they are told in between, and go on with the next; and one of the other stream.
    /// </summary>
    private sealed class Crowd : IDisposable
    {
        private static readonly string Padding = new('.', 950);

        private readonly HttpClient _http;
        private readonly Lock _lock = new();
        private readonly List<TimeSpan> _others = [];
        private readonly int[] _next = new int[Clients];
        private int _waiting;
        private int _nextOther;

        public Crowd(Uri server) =>
            _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server, Timeout = TimeSpan.FromMinutes(5) };

        /// <summary>Ids of all bodies that were begun; each of those is acknowledged in the end.</summary>
        public ConcurrentBag<string> SentIds { get; } = [];

        public int Acknowledged { get; private set; }

        public int Refused503 { get; private set; }

        public int Refused429 { get; private set; }

        /// <summary>Refused, waited as long as they were told, sent again.</summary>
        public int CameBack { get; private set; }

        /// <summary>Of those, taken then.</summary>
        public int TakenThen { get; private set; }

        public TimeSpan Fastest { get; private set; } = TimeSpan.MaxValue;

        public TimeSpan Slowest { get; private set; }

        /// <summary>Answers of the other stream that came while a request of this one waited for its.</summary>
        public int Others { get; private set; }

        public TimeSpan OthersMedian => _others.Count == 0 ? TimeSpan.MaxValue : _others.Order().ElementAt(_others.Count / 2);

        public void Reset()
        {
            (Acknowledged, Refused503, Refused429, CameBack, TakenThen, Others) = (0, 0, 0, 0, 0, 0);
            (Fastest, Slowest) = (TimeSpan.MaxValue, TimeSpan.Zero);
            _others.Clear();
        }

        /// <summary>Runs until so many bodies are acknowledged; those that are under way then are finished when the disk is quick again.</summary>
        public async Task RunUntilAsync(int bodies, TimeSpan delay = default, Action? watch = null)
        {
            using var stop = new CancellationTokenSource();
            Task[] running = [.. Enumerable.Range(0, Clients).Select(client => SendLoopAsync(client, stop.Token)), OtherLoopAsync(stop.Token)];
            long started = Stopwatch.GetTimestamp();
            while (Acknowledged < bodies)
            {
                watch?.Invoke();
                Assert.True(Stopwatch.GetElapsedTime(started) < ServerUnderTest.Patience + (delay * bodies), $"Only {Acknowledged} of {bodies} bodies are acknowledged.");
                await Task.WhenAny(Task.WhenAny(running), Task.Delay(20));
                foreach (Task failed in running.Where(task => task.IsFaulted))
                {
                    await failed;
                }
            }

            await stop.CancelAsync();
            _running.AddRange(running);
        }

        /// <summary>Waits until every body that was begun is acknowledged.</summary>
        public Task DrainAsync() => Task.WhenAll(_running).WaitAsync(ServerUnderTest.Patience * 2);

        public void Dispose() => _http.Dispose();

        private readonly List<Task> _running = [];

        private async Task SendLoopAsync(int client, CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                string[] ids = new string[EventsPerBody];
                var body = new StringBuilder();
                int number = Interlocked.Increment(ref _next[client]);
                for (int i = 0; i < ids.Length; i++)
                {
                    ids[i] = string.Create(CultureInfo.InvariantCulture, $"{client}-{number}-{i}");
                    SentIds.Add(ids[i]);
                    body.Append(CultureInfo.InvariantCulture, $$"""{"id":"{{ids[i]}}","pad":"{{Padding}}"}""").Append('\n');
                }

                await SendUntilTakenAsync(body.ToString(), stop);
            }
        }

        private async Task SendUntilTakenAsync(string body, CancellationToken stop)
        {
            bool wasTold = false;
            while (true)
            {
                long began = Stopwatch.GetTimestamp();
                Interlocked.Increment(ref _waiting);
                using var content = new StringContent(body, Encoding.UTF8, "application/x-ndjson");
                using HttpResponseMessage answer = await _http.PostAsync("v1/streams/slow/events", content);
                string text = await answer.Content.ReadAsStringAsync();
                Interlocked.Decrement(ref _waiting);
                bool isTaken = answer.StatusCode == HttpStatusCode.OK;
                Note(answer, text, Stopwatch.GetElapsedTime(began), wasTold && !stop.IsCancellationRequested);
                if (isTaken)
                {
                    JsonElement totals = JsonDocument.Parse(text).RootElement;
                    Assert.Equal(EventsPerBody, totals.GetProperty("counted").GetInt32() + totals.GetProperty("duplicate").GetInt32());
                    return;
                }

                try
                {
                    await Task.Delay(answer.Headers.RetryAfter!.Delta!.Value, stop);
                    wasTold = true;
                }
                catch (OperationCanceledException)
                {
                    // The slow phase is over, so what was told does not hold any more.
                    wasTold = false;
                }
            }
        }

        private void Note(HttpResponseMessage answer, string text, TimeSpan took, bool wasTold)
        {
            lock (_lock)
            {
                CameBack += wasTold ? 1 : 0;
                switch ((int)answer.StatusCode)
                {
                    case 200:
                        TakenThen += wasTold ? 1 : 0;
                        Acknowledged++;
                        Fastest = took < Fastest ? took : Fastest;
                        Slowest = took > Slowest ? took : Slowest;
                        return;
                    case 503:
                        Refused503++;
                        break;
                    case 429:
                        Refused429++;
                        break;
                    default:
                        Assert.Fail(text);
                        break;
                }
            }

            Assert.True(answer.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1), text);
        }

        private async Task OtherLoopAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                bool isOneWaiting = Volatile.Read(ref _waiting) > 0;
                long began = Stopwatch.GetTimestamp();
                using var content = new StringContent(string.Create(CultureInfo.InvariantCulture, $$"""{"id":"o{{++_nextOther}}"}"""), Encoding.UTF8, "application/json");
                using HttpResponseMessage answer = await _http.PostAsync("v1/streams/other/events", content, CancellationToken.None);
                Assert.True(answer.StatusCode == HttpStatusCode.OK, $"The other stream is answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync(CancellationToken.None)}");
                if (isOneWaiting)
                {
                    Others++;
                    _others.Add(Stopwatch.GetElapsedTime(began));
                }
            }
        }
    }
}
