using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// A client that waits for each answer, on one connection at a time, and notes which answer on which connection each request got: by that the answer is
/// found among what the server is recorded to have sent. One task uses it.
/// </summary>
internal sealed class RecordedClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly List<(Exchange Exchange, int Port, int Ordinal)> _exchanges = [];
    private int _port;
    private int _ordinal;

    public RecordedClient(Uri address)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1, ConnectCallback = ConnectAsync };
        _http = new HttpClient(handler) { BaseAddress = address, Timeout = ServerUnderTest.Patience };
    }

    /// <summary>What was sent, in order: with the port of the connection and the answer's number on it, from 0. Port 0: there was no answer.</summary>
    public IReadOnlyList<(Exchange Exchange, int Port, int Ordinal)> Exchanges => _exchanges;

    /// <summary>Sends, and waits for the answer.</summary>
    /// <returns>With the answer; without one when the server went away, and nobody knows what became of the request.</returns>
    public async Task<Exchange> SendAsync(Exchange exchange)
    {
        string[] request = exchange.Request.Split(' ');
        using var message = new HttpRequestMessage(new HttpMethod(request[0]), request[1]);
        if (exchange.Body is not null)
        {
            message.Content = new StringContent(exchange.Body, Encoding.UTF8, exchange.Events.Count > 1 ? "application/x-ndjson" : "application/json");
        }

        try
        {
            using HttpResponseMessage response = await _http.SendAsync(message);
            exchange = exchange with { Text = await response.Content.ReadAsStringAsync(), Status = (int)response.StatusCode };
            _exchanges.Add((exchange, _port, _ordinal++));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            _exchanges.Add((exchange, 0, 0));
        }

        return exchange;
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
            _port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            _ordinal = 0;
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
