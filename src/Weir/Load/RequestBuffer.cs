using System.Text;

namespace Weir.Cli.Load;

/// <summary>One POST request as bytes: lines are written behind room for the head, which is put in front of them at the end.</summary>
internal sealed class RequestBuffer
{
    private const int HeadBytes = 256;

    private readonly string _head;
    private readonly string _headForAllVerdicts;
    private byte[] _bytes;
    private int _end = HeadBytes;

    public RequestBuffer(string stream, int capacity)
    {
        _bytes = new byte[HeadBytes + capacity];
        _head = Head("");
        _headForAllVerdicts = Head("?verdicts=all");

        string Head(string query) =>
            $"POST /v1/streams/{stream}/events{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: ";
    }

    public int BodyBytes => _end - HeadBytes;

    public ReadOnlySpan<byte> Body => _bytes.AsSpan(HeadBytes, BodyBytes);

    /// <summary>Room for at least <paramref name="size"/> bytes; <see cref="Advance"/> says how many were written.</summary>
    public Span<byte> Reserve(int size)
    {
        if (_bytes.Length - _end < size)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _end + size));
        }

        return _bytes.AsSpan(_end);
    }

    public void Advance(int written) => _end += written;

    public void Clear() => _end = HeadBytes;

    /// <summary>Head and body. Valid until the next call; repeating it gives the same body.</summary>
    public ReadOnlySpan<byte> Request(bool allVerdicts)
    {
        string head = $"{(allVerdicts ? _headForAllVerdicts : _head)}{BodyBytes}\r\n\r\n";
        int start = HeadBytes - head.Length;
        Encoding.ASCII.GetBytes(head, _bytes.AsSpan(start));
        return _bytes.AsSpan(start, _end - start);
    }
}
