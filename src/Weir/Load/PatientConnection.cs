using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Weir.Core;

namespace Weir.Cli.Load;

/// <summary>
/// One client of a server that may be killed meanwhile: a request without an answer, or with one that leaves something open, is sent again until it
/// is decided, on a new connection where the old one broke. Blocking; one thread.
/// </summary>
/// <param name="patience">How long one request is repeated before the client gives up.</param>
/// <param name="longestPause">Waits no longer than this between two tries, whatever Retry-After says.</param>
internal sealed class PatientConnection(IPEndPoint server, TimeSpan patience, TimeSpan longestPause) : IDisposable
{
    private RawConnection? _connection;

    /// <summary>Head and body; asked for anew before every try.</summary>
    public delegate ReadOnlySpan<byte> Request();

    /// <summary>When the newest try began, a <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public long SentTimestamp { get; private set; }

    /// <param name="isDecided">Takes an answer of any status at which a retry can help, or of success; false: send the request again.</param>
    /// <exception cref="WeirException">It was not decided in time, or answered with a status that no retry changes.</exception>
    public void SendUntilDecided(Request request, Func<RawConnection, bool> isDecided, CancellationToken cancel)
    {
        long firstTry = Stopwatch.GetTimestamp();
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            TimeSpan pause = TimeSpan.FromMilliseconds(20);
            string failure;
            try
            {
                _connection ??= Connect();
                SentTimestamp = Stopwatch.GetTimestamp();
                _connection.Exchange(request());
                bool isKnownStatus = _connection.Status is 200 or 202 or 422 or 429 or 502 or 503 or 504 or 507;
                if (isKnownStatus && isDecided(_connection))
                {
                    return;
                }

                failure = $"answered {_connection.Status}: {System.Text.Encoding.UTF8.GetString(_connection.Body[..Math.Min(500, _connection.Body.Length)])}";
                pause = TimeSpan.FromSeconds(_connection.RetryAfterSeconds) is { Ticks: > 0 } asked ? asked : pause;
                if (!isKnownStatus)
                {
                    throw new WeirException(ErrorCode.Internal, $"A body of events was {failure}");
                }
            }
            catch (SocketException broken)
            {
                failure = broken.Message;
                Dispose();
            }

            if (Stopwatch.GetElapsedTime(firstTry) > patience)
            {
                throw new WeirException(ErrorCode.ServerUnreachable, $"A body of events was not decided within {TextTable.Duration(patience)}: {failure}");
            }

            Thread.Sleep(pause < longestPause ? pause : longestPause);
        }
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private RawConnection Connect()
    {
        var connection = new RawConnection(server);

        // A server that takes a request and never answers is an unknown outcome too.
        connection.Socket.ReceiveTimeout = (int)patience.TotalMilliseconds;
        return connection;
    }
}
