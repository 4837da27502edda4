using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>
/// An open-loop generator in one thread: when a request arrives does not depend on what became of those before, and its latency counts from then, so that a
/// server that stops reading does not look quick. What finds no free connection for a second gives up.
/// </summary>
internal sealed class OverloadLoad : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Impatience = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan DrainsWithin = TimeSpan.FromMinutes(3);
    private static readonly long BetweenSamples = Stopwatch.Frequency / 10;

    private const int ManyConnections = 32;
    private const int MostReturns = 10;
    private const int OneInSoMany = 10;

    private readonly ServerProcess _server;
    private readonly int _batch;
    private readonly OverloadBodies _bodies;
    private readonly OverloadConnection[] _connections;
    private readonly Stack<OverloadConnection> _idle = new();
    private readonly Dictionary<Socket, OverloadConnection> _busy = [];
    private readonly Queue<OverloadRequest> _due = new();
    private readonly PriorityQueue<OverloadRequest, long> _returning = new();
    private readonly List<Socket> _readable = [];
    private readonly List<Socket> _writable = [];
    private readonly Random _random;
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private ulong _nextId;
    private long _lastSampleAt;

    public OverloadLoad(ServerProcess server, string stream, int batch, int connections, bool asksFirst, Random random)
    {
        (_server, _batch, _random) = (server, batch, random);
        _bodies = new OverloadBodies(stream, batch, asksFirst);
        _connections = new OverloadConnection[connections];
        for (int i = 0; i < connections; i++)
        {
            _connections[i] = new OverloadConnection(server.Address, _bodies, asksFirst);
        }
    }

    /// <summary>Votes that the server said it counted, in answers of every status.</summary>
    public long Counted { get; private set; }

    /// <summary>Requests taken in all phases so far; any thread.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    private long _taken;

    /// <summary>Runs one phase to its end, and waits for what is in progress then.</summary>
    /// <exception cref="WeirException">An answer that is neither 200 nor a refusal.</exception>
    public OverloadPhase Run(OverloadPlan plan, CancellationToken cancel)
    {
        var phase = new OverloadPhase(plan) { BeganAt = Stopwatch.GetElapsedTime(_startedAt) };
        TimeSpan cpuBefore = ThreadClock.Now;
        TimeSpan serverBefore = _server.ProcessorTime;
        long began = Stopwatch.GetTimestamp();
        long end = began + (long)(plan.Duration.TotalSeconds * Stopwatch.Frequency);
        long next = began;
        ResetIdle(plan.Connections);
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            long now = Stopwatch.GetTimestamp();
            end = phase.Arrived < plan.LeastRequests ? Math.Max(end, now + BetweenSamples) : end;
            next = Arrive(phase, now, next, end);
            BeginDue(phase, now);
            bool isOver = now >= end && (!plan.Drains || _returning.Count == 0) && _due.Count == 0;
            if (isOver && _busy.Count == 0)
            {
                break;
            }

            if (Stopwatch.GetElapsedTime(end, now) > DrainsWithin)
            {
                throw new WeirException(ErrorCode.Internal, string.Create(CultureInfo.InvariantCulture, $"{_busy.Count} requests in progress and {_returning.Count} that come again are not answered {DrainsWithin} after phase {plan.Name}"));
            }

            Exchange(phase, began, WakeAt(now, next, end));
            Sample(phase, now);
        }

        phase.Elapsed = Stopwatch.GetElapsedTime(began);
        phase.GeneratorTime = ThreadClock.Now - cpuBefore;
        phase.ServerTime = _server.ProcessorTime - serverBefore;
        return phase;
    }

    public void Dispose() => Array.ForEach(_connections, connection => connection.Dispose());

    private void ResetIdle(int connections)
    {
        _idle.Clear();
        for (int i = Math.Min(connections, _connections.Length) - 1; i >= 0; i--)
        {
            _idle.Push(_connections[i]);
        }
    }

    /// <summary>Takes in what has arrived by now.</summary>
    /// <returns>When the next one arrives.</returns>
    private long Arrive(OverloadPhase phase, long now, long next, long end)
    {
        OverloadPlan plan = phase.Plan;
        if (plan.PerSecond == 0)
        {
            for (int i = _idle.Count; i > 0 && now < end; i--)
            {
                _due.Enqueue(NextRequest(phase, now));
            }

            return end;
        }

        while (next <= now && next < end)
        {
            _due.Enqueue(NextRequest(phase, next));
            next += Math.Max(1, (long)(-Math.Log(1 - _random.NextDouble()) / plan.PerSecond * Stopwatch.Frequency));
        }

        while (_returning.TryPeek(out OverloadRequest? request, out long at) && at <= now && (now < end || plan.Drains))
        {
            _returning.Dequeue();
            request.DueAt = at;
            phase.Arrived++;
            _due.Enqueue(request);
        }

        return next;
    }

    private OverloadRequest NextRequest(OverloadPhase phase, long dueAt)
    {
        phase.Arrived++;
        var request = new OverloadRequest { FirstId = _nextId, DueAt = dueAt, IsHot = phase.Plan.IsHot && phase.Arrived % 2 == 0 };
        _nextId += (ulong)_batch;
        return request;
    }

    private void BeginDue(OverloadPhase phase, long now)
    {
        while (_due.TryPeek(out OverloadRequest? request))
        {
            if (Stopwatch.GetElapsedTime(request.DueAt, now) > Patience)
            {
                _due.Dequeue();
                phase.GaveUp++;
            }
            else if (_idle.TryPop(out OverloadConnection? connection))
            {
                _due.Dequeue();
                connection.Begin(request);
                _busy.Add(connection.Socket, connection);
            }
            else
            {
                return;
            }
        }
    }

    private long WakeAt(long now, long next, long end)
    {
        long at = now < end ? Math.Min(next, end) : now + BetweenSamples;
        return _returning.TryPeek(out _, out long back) ? Math.Min(at, back) : at;
    }

    private void Exchange(OverloadPhase phase, long began, long wakeAt)
    {
        TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), wakeAt);
        left = left < TimeSpan.Zero ? TimeSpan.Zero : left > Impatience ? Impatience : left;
        if (_busy.Count == 0)
        {
            Thread.Sleep(left);
            return;
        }

        if (_busy.Count > ManyConnections)
        {
            // To look at hundreds of sockets for each answer would take the processor from the server.
            Thread.Sleep(1);
        }

        _readable.Clear();
        _writable.Clear();
        _readable.AddRange(_busy.Keys);
        foreach (OverloadConnection connection in _busy.Values)
        {
            if (connection.IsSending)
            {
                _writable.Add(connection.Socket);
            }
        }

        Socket.Select(_readable, _writable.Count == 0 ? null : _writable, null, left);
        foreach (Socket socket in _writable)
        {
            Guarded(phase, _busy[socket], static connection =>
            {
                connection.Send();
                return false;
            });
        }

        foreach (Socket socket in _readable)
        {
            if (_busy.TryGetValue(socket, out OverloadConnection? connection) && Guarded(phase, connection, static connection => connection.TryReceive()))
            {
                Note(phase, began, connection);
                _busy.Remove(socket);
                connection.End();
                _idle.Push(connection);
            }
        }
    }

    // What a broken connection carried is not known, and sent again at once.
    private bool Guarded(OverloadPhase phase, OverloadConnection connection, Func<OverloadConnection, bool> step)
    {
        try
        {
            return step(connection);
        }
        catch (SocketException)
        {
            phase.Broken++;
            _busy.Remove(connection.Socket);
            _returning.Enqueue(connection.Request!, Stopwatch.GetTimestamp());
            connection.Reconnect();
            _idle.Push(connection);
            return false;
        }
    }

    private void Note(OverloadPhase phase, long began, OverloadConnection connection)
    {
        OverloadRequest request = connection.Request!;
        Counted += LoadTotals.CountedIn(connection.Answer);
        phase.CameBack += request.WasTold ? 1 : 0;
        if (connection.Status == 200)
        {
            phase.TakenThen += request.WasTold ? 1 : 0;
            phase.Take(Stopwatch.GetElapsedTime(began), Stopwatch.GetElapsedTime(request.DueAt));
            Interlocked.Increment(ref _taken);
            return;
        }

        if (connection.Status is not (429 or 503))
        {
            throw new WeirException(ErrorCode.Internal, $"the server answered {connection.Status}: {Encoding.UTF8.GetString(connection.Answer[..Math.Min(connection.Answer.Length, 500)])}");
        }

        phase.Refused503 += connection.Status == 503 ? 1 : 0;
        phase.Refused429 += connection.Status == 429 ? 1 : 0;
        int told = connection.RetryAfterSeconds;
        phase.RefusedWithoutTime += told < 1 ? 1 : 0;
        phase.LongestToldSeconds = Math.Max(phase.LongestToldSeconds, told);
        request.Refusals++;
        long now = Stopwatch.GetTimestamp();
        bool comesBack = phase.Plan.Returns switch
        {
            Returns.AsTold => true,
            Returns.AtOnce => request.Refusals <= MostReturns,
            _ => request.Refusals == 1 && (phase.Refused429 + phase.Refused503) % OneInSoMany == 0,
        };
        if (comesBack)
        {
            request.WasTold = phase.Plan.Returns != Returns.AtOnce;
            _returning.Enqueue(request, now + (long)((request.WasTold ? told : Impatience.TotalSeconds) * Stopwatch.Frequency));
        }
    }

    private void Sample(OverloadPhase phase, long now)
    {
        if (now - _lastSampleAt >= BetweenSamples)
        {
            _lastSampleAt = now;
            phase.MostResidentBytes = Math.Max(phase.MostResidentBytes, _server.ResidentBytes);
        }
    }
}
