using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>Votes that carry the time they were sent at, at a steady pace over one connection.</summary>
internal static class StampedLoad
{
    private const int Batch = 100;

    /// <summary>Milliseconds of the monotonic clock of this process: what <c>sent</c> holds.</summary>
    public static long Now => Environment.TickCount64;

    public static Task<(LoadTotals Totals, TimeSpan Elapsed)> RunAsync(IPEndPoint server, string stream, long events, double perSecond, CancellationToken cancel) =>
        Task.Factory.StartNew(
            () =>
            {
                var totals = new LoadTotals();
                using var connection = new RawConnection(server);
                long started = Stopwatch.GetTimestamp();
                for (long sent = 0; sent < events; sent += Batch)
                {
                    cancel.ThrowIfCancellationRequested();
                    TimeSpan early = TimeSpan.FromSeconds(sent / perSecond) - Stopwatch.GetElapsedTime(started);
                    if (early > TimeSpan.Zero)
                    {
                        Thread.Sleep(early);
                    }

                    long begin = Stopwatch.GetTimestamp();
                    connection.Exchange(Request(stream, sent));
                    if (connection.Status != 200 || !totals.TryAdd(connection.Body, Batch))
                    {
                        throw new WeirException(ErrorCode.Internal, $"the server answered {connection.Status}: {Encoding.UTF8.GetString(connection.Body)}");
                    }

                    totals.Latency.RecordSince(begin);
                }

                return (totals, Stopwatch.GetElapsedTime(started));
            },
            TaskCreationOptions.LongRunning);

    private static byte[] Request(string stream, long first)
    {
        var body = new StringBuilder();
        for (long id = first; id < first + Batch; id++)
        {
            body.Append(CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","user":"{{id}}","choice":"option-{{id % 12:D2}}","sent":{{Now}}}""").Append('\n');
        }

        return Encoding.ASCII.GetBytes($"POST /v1/streams/{stream}/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }
}
