using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>
/// One vote per request over many keep-alive connections, one request in flight on each, from one thread that waits for whichever
/// answers next: cheaper than a thread per connection, so more of the machine is the server's.
/// </summary>
internal static class SingleLoad
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <param name="firstId">Ids of this run count up from here.</param>
    public static (LoadTotals Totals, TimeSpan Elapsed) Run(IPEndPoint server, string stream, long events, int connections, long firstId, CancellationToken cancel)
    {
        var totals = new LoadTotals();
        var lanes = new Dictionary<Socket, Lane>();
        try
        {
            for (int i = 0; i < connections; i++)
            {
                var connection = new RawConnection(server);
                lanes.Add(connection.Socket, new Lane(connection, new VoteBody(stream, votes: 1, UserChoice.Random, seed: i + (int)(firstId % 1_000_003))));
            }

            long started = Stopwatch.GetTimestamp();
            long sent = 0;
            var waiting = new List<Socket>(connections);
            foreach (Lane lane in lanes.Values)
            {
                lane.Send((ulong)(firstId + sent++));
            }

            while (totals.Events < events)
            {
                cancel.ThrowIfCancellationRequested();
                waiting.Clear();
                waiting.AddRange(lanes.Keys);
                Socket.Select(waiting, null, null, LongestWait);
                if (waiting.Count == 0)
                {
                    throw new WeirException(ErrorCode.ServerUnreachable, $"no answer for {LongestWait.TotalSeconds:N0} s");
                }

                foreach (Socket socket in waiting)
                {
                    Lane lane = lanes[socket];
                    if (lane.TryReceive(totals) && sent < events)
                    {
                        lane.Send((ulong)(firstId + sent++));
                    }
                    else if (lane.IsIdle)
                    {
                        lanes.Remove(socket);
                        lane.Connection.Dispose();
                    }
                }
            }

            return (totals, Stopwatch.GetElapsedTime(started));
        }
        finally
        {
            foreach (Lane lane in lanes.Values)
            {
                lane.Connection.Dispose();
            }
        }
    }

    private sealed class Lane(RawConnection connection, VoteBody body)
    {
        private long _sentAt;

        public RawConnection Connection { get; } = connection;

        public bool IsIdle { get; private set; }

        public void Send(ulong id)
        {
            body.Renew(id);
            IsIdle = false;
            _sentAt = Stopwatch.GetTimestamp();
            Connection.Send(body.Request);
        }

        public bool TryReceive(LoadTotals totals)
        {
            if (!Connection.TryReceive())
            {
                return false;
            }

            if (Connection.Status != 200 || !totals.TryAdd(Connection.Body, events: 1))
            {
                throw new WeirException(ErrorCode.Internal, $"the server answered {Connection.Status}: {Encoding.UTF8.GetString(Connection.Body)}");
            }

            totals.Latency.RecordSince(_sentAt);
            IsIdle = true;
            return true;
        }
    }
}
