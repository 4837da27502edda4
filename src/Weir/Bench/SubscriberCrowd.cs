using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.Cli.Load;

namespace Weir.Cli.Bench;

/// <summary>
/// Thousands of live subscribers in one thread: each sweep takes what has arrived on every connection and notes how old the newest
/// vote in it is. A subscriber that got nothing grows older. A sweep's own duration counts as age, so the figure is never flattering.
/// </summary>
internal sealed class SubscriberCrowd : IDisposable
{
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromMilliseconds(100);

    private readonly Socket[] _sockets;
    private readonly long[] _newest;
    private readonly int[] _kept;
    private readonly byte[][] _tails;
    private readonly byte[] _buffer = new byte[256 * 1024];
    private long _frames;

    public SubscriberCrowd(IPEndPoint server, string view, int count)
    {
        _sockets = new Socket[count];
        _newest = new long[count];
        _kept = new int[count];
        _tails = new byte[count][];
        byte[] request = Encoding.ASCII.GetBytes($"GET /v1/views/{view}/live HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
        try
        {
            for (int i = 0; i < count; i++)
            {
                _sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _sockets[i].Connect(server);
                _sockets[i].Send(request);
                _sockets[i].Blocking = false;
                _tails[i] = new byte[Key.Length + 24];
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Live frames received by all together; may be read from any thread.</summary>
    public long Frames => Interlocked.Read(ref _frames);

    private static ReadOnlySpan<byte> Key => "\"newest\":"u8;

    /// <summary>Sweeps until cancelled. The first two seconds, in which subscribers have only just come, do not count.</summary>
    public LatencyHistogram Watch(CancellationToken cancel)
    {
        var ages = new LatencyHistogram();
        long countFrom = StampedLoad.Now + 2000;
        while (!cancel.IsCancellationRequested)
        {
            long sweepStarted = StampedLoad.Now;
            for (int i = 0; i < _sockets.Length; i++)
            {
                Take(i);
                if (sweepStarted > countFrom)
                {
                    ages.Record(TimeSpan.FromMilliseconds(StampedLoad.Now - _newest[i]));
                }
            }

            TimeSpan left = BetweenSweeps - TimeSpan.FromMilliseconds(StampedLoad.Now - sweepStarted);
            if (left > TimeSpan.Zero)
            {
                Thread.Sleep(left);
            }
        }

        return ages;
    }

    public void Dispose()
    {
        foreach (Socket? socket in _sockets)
        {
            socket?.Dispose();
        }
    }

    private void Take(int subscriber)
    {
        while (true)
        {
            // What may be the first half of a key or of its number is looked at again with what follows it.
            int kept = _kept[subscriber];
            _tails[subscriber].AsSpan(0, kept).CopyTo(_buffer);
            int read = _sockets[subscriber].Receive(_buffer.AsSpan(kept), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                return;
            }

            if (error != SocketError.Success || read == 0)
            {
                throw new SocketException((int)(error == SocketError.Success ? SocketError.ConnectionReset : error));
            }

            ReadOnlySpan<byte> arrived = _buffer.AsSpan(0, kept + read);
            Interlocked.Add(ref _frames, arrived[kept..].Count("\n\n"u8));
            _newest[subscriber] = Math.Max(_newest[subscriber], NewestIn(arrived));
            _kept[subscriber] = Math.Min(_tails[subscriber].Length, arrived.Length);
            arrived[^_kept[subscriber]..].CopyTo(_tails[subscriber]);
        }
    }

    private static long NewestIn(ReadOnlySpan<byte> text)
    {
        long newest = 0;
        while (text.IndexOf(Key) is >= 0 and var at)
        {
            text = text[(at + Key.Length)..];

            // A number that the buffer cuts off would be too small, and so never the newest.
            if (Utf8Parser.TryParse(text, out long sent, out int digits) && digits < text.Length)
            {
                newest = Math.Max(newest, sent);
            }
        }

        return newest;
    }
}
