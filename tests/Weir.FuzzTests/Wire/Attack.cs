using System.IO.Compression;
using System.Text;

namespace Weir.FuzzTests.Wire;

/// <summary>Bytes for the HTTP port that are not a request, or more than one, or one that means harm.</summary>
/// <param name="Answers">Status codes that may come back, in order of the answers; empty where nothing but the end of the connection is due.</param>
/// <param name="Counted">Events that are rightly counted by it; -1: none or one, since the event is whole before the request turns bad.</param>
internal sealed record Attack(string Name, byte[] Bytes, int[] Answers, int Counted = 0)
{
    /// <summary>The client hangs up after its bytes, without waiting for the server to end the connection.</summary>
    public bool HangsUp { get; init; }

    /// <summary>Bytes arrive one by one.</summary>
    public bool IsSplit { get; init; }

    private const string Path = "/v1/streams/wire/events";

    private static readonly string Event = """{"a":1}""";

    public static IReadOnlyList<Attack> All { get; } = [.. Make()];

    private static IEnumerable<Attack> Make()
    {
        string head = $"POST {Path} HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\n";
        string good = $"{head}Content-Length: {Event.Length}\r\n\r\n{Event}";
        string last = $"{head}Connection: close\r\nContent-Length: {Event.Length}\r\n\r\n{Event}";

        // Half requests: what is not whole is not taken, wherever it ends.
        for (int length = 1; length < last.Length; length += 7)
        {
            yield return Hanging($"half request, {length} bytes", last[..length]);
        }

        yield return new Attack("byte by byte", Latin(last), [200], Counted: 1) { IsSplit = true };

        // Pipelining.
        yield return new Attack("three in one packet", Latin(good + good + last), [200, 200, 200], Counted: 3);
        yield return new Attack("good, then garbage", Latin(good + "\x01\x02\x03 garbage\r\n\r\n"), [200, 400], Counted: 1);
        yield return new Attack("a refused small body, then a good one", Latin($"{head}Content-Length: 13\r\n\r\n[{{\"a\":\"a\"b\"}}]{last}"), [400, 200], Counted: 1);
        yield return new Attack("an unreadable small body, then a good one", Latin($"{head}Content-Length: 8\r\n\r\nnonsense{last}"), [422, 200], Counted: 1);
        yield return new Attack("an unknown stream, then a good one", Latin($"POST /v1/streams/nowhere/events HTTP/1.1\r\nHost: weir\r\nContent-Length: 7\r\n\r\n{Event}{last}"), [404, 200], Counted: 1);
        yield return new Attack("a definition of a megabyte, then a good one", Latin($"PUT /v1/streams/big HTTP/1.1\r\nHost: weir\r\nContent-Length: 1000000\r\n\r\n{new string(' ', 1_000_000)}{last}"), [413, 200], Counted: 1);

        // Framing that two parsers could read in two ways: refused, and never the second request taken.
        string inner = $"POST {Path} HTTP/1.1\r\nHost: weir\r\nContent-Length: {Event.Length}\r\n\r\n{Event}";
        yield return new Attack("two lengths", Latin($"{head}Content-Length: 7\r\nContent-Length: 8\r\n\r\n{Event}"), [400]);
        yield return new Attack("two equal lengths", Latin($"{head}Content-Length: 7\r\nContent-Length: 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("a list of lengths", Latin($"{head}Content-Length: 7, 7\r\n\r\n{Event}"), [400]);
        // The framework takes the sign; nothing between it and Weir reads the length again.
        yield return new Attack("length `+7`", Latin($"{head}Connection: close\r\nContent-Length: +7\r\n\r\n{Event}"), [200], Counted: 1);
        foreach (string length in (string[])["-1", "0x7", "7a", "7 7", " ", "99999999999999999999", "7\x00"])
        {
            yield return new Attack($"length `{Uri.EscapeDataString(length)}`", Latin($"{head}Content-Length: {length}\r\n\r\n{Event}"), [400]);
        }

        yield return new Attack("length of nine exabytes", Latin($"{head}Content-Length: 9223372036854775807\r\n\r\n{Event}"), [413]);
        foreach (string coding in (string[])["chunked, identity", "identity", "xchunked", "chunked\x0b", "gzip", "chunked, chunked x"])
        {
            yield return new Attack($"transfer coding `{Uri.EscapeDataString(coding)}`", Latin($"{head}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{inner}"), [400]);
        }

        yield return new Attack("space before the colon", Latin($"{head}Content-Length : 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("folded header", Latin($"{head}X: a\r\n b\r\nContent-Length: 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("nul in a header", Latin($"{head}X: a\0b\r\nContent-Length: 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("return in a header", Latin($"{head}X: a\rContent-Length: 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("no host", Latin($"POST {Path} HTTP/1.1\r\nContent-Length: 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("two hosts", Latin($"{head}Host: other\r\nContent-Length: 7\r\n\r\n{Event}"), [400]);
        yield return new Attack("chunked by HTTP/1.0", Latin($"POST {Path} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{Event}\r\n0\r\n\r\n"), [200], Counted: 1);
        yield return Hanging("no length", $"{head}\r\n{Event}");

        // Chunks.
        string chunked = $"{head}Transfer-Encoding: chunked\r\n\r\n";
        string end = $"{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        yield return new Attack("chunks of one byte", Latin(end + string.Concat(Event.Select(c => $"1\r\n{c}\r\n")) + "0\r\n\r\n"), [200], Counted: 1);
        yield return new Attack("trailers", Latin(end + $"7\r\n{Event}\r\n0\r\nX-Trailer: 1\r\n\r\n"), [200], Counted: 1);
        foreach (string size in (string[])["", "g", "-7", "0x7", "7 7", "ffffffff", "fffffffffffffffff", "8000000000000000", "\x00", "7\n"])
        {
            yield return new Attack($"chunk size `{Uri.EscapeDataString(size)}`", Latin($"{chunked}{size}\r\n{Event}\r\n0\r\n\r\n"), [400]) { HangsUp = size.StartsWith('f') };
        }

        yield return new Attack("chunk longer than its size", Latin($"{chunked}3\r\n{Event}\r\n0\r\n\r\n"), [400]);
        yield return Hanging("chunk shorter than its size", $"{chunked}ff\r\n{Event}\r\n0\r\n\r\n");
        yield return Hanging("no last chunk", $"{chunked}7\r\n{Event}\r\n");
        yield return new Attack("bare line feed in a chunk extension", Latin($"{chunked}7;a\n{Event}\r\n0\r\n\r\n{inner}"), [400]);
        yield return new Attack("bare return in a chunk extension", Latin($"{chunked}7;a\rb\r\n{Event}\r\n0\r\n\r\n"), [400]);
        yield return new Attack("chunk extension of a megabyte", Latin($"{end}7;{new string('e', 1_000_000)}\r\n{Event}\r\n0\r\n\r\n"), [200], Counted: 1);
        string trailers = string.Concat(Enumerable.Range(0, 10_000).Select(n => $"X-{n}: {new string('t', 90)}\r\n"));
        yield return new Attack("trailers of a megabyte", Latin($"{end}7\r\n{Event}\r\n0\r\n{trailers}\r\n"), [200, 400, 431], Counted: -1);

        // Size.
        yield return new Attack("path of 10 KiB", Latin($"GET /{new string('p', 10_240)} HTTP/1.1\r\nHost: weir\r\n\r\n"), [414]);
        yield return new Attack("header of 40 KiB", Latin($"{head}X: {new string('h', 40_960)}\r\n\r\n"), [431]);
        yield return new Attack("a thousand headers", Latin(head + string.Concat(Enumerable.Range(0, 1_000).Select(n => $"X-{n}: 1\r\n")) + "\r\n"), [431]);
        yield return new Attack("a request line without end", Latin(new string('G', 100_000)), [400]) { HangsUp = true };
        yield return new Attack("ten thousand blank lines", Latin(string.Concat(Enumerable.Repeat("\r\n", 10_000))), []) { HangsUp = true };

        // Other protocols, other methods.
        yield return new Attack("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03], []) { HangsUp = true };
        yield return new Attack("HTTP/2 preface", Latin("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), [400]) { HangsUp = true };
        yield return new Attack("HTTP/9", Latin("GET / HTTP/9.9\r\nHost: weir\r\n\r\n"), [505]);
        yield return new Attack("no version", Latin("GET /\r\n\r\n"), [400]);
        yield return new Attack("random bytes", RandomBytes(4_096), [400]) { HangsUp = true };
        yield return new Attack("CONNECT", Latin("CONNECT weir:80 HTTP/1.1\r\nHost: weir:80\r\nConnection: close\r\n\r\n"), [404, 405]) { HangsUp = true };
        yield return new Attack("TRACE", Latin("TRACE / HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"), [404, 405]) { HangsUp = true };
        yield return new Attack("path above the root", Latin("GET /../../../etc/passwd HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"), [404]);
        yield return new Attack("nul in the path", Latin("GET /%00 HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"), [400]);
        yield return new Attack("upgrade to nothing known", Latin($"{head}Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 8\r\n\r\nnonsense"), [422]) { HangsUp = true };
        yield return new Attack("WebSocket where there is none", Latin($"GET {Path} HTTP/1.1\r\nHost: weir\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"), [200]) { HangsUp = true };
        yield return new Attack("WebSocket with a broken key", Latin("GET /v1/views/all/live HTTP/1.1\r\nHost: weir\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"), [400]) { HangsUp = true };
        yield return Hanging("WebSocket, then garbage", "GET /v1/views/all/live HTTP/1.1\r\nHost: weir\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" + new string('\xFF', 1_000));

        // Compressed: refused by what it expands to, before that is in memory.
        yield return Compressed("gzip of 64 MiB of zeros", Gzip(new byte[64 << 20]), [400, 413, 422], head);
        yield return Compressed("gzip broken off", Gzip(Encoding.ASCII.GetBytes(Event))[..^4], [400], head);
        yield return Compressed("gzip with garbage behind it", [.. Gzip(Encoding.ASCII.GetBytes(Event)), 1, 2, 3], [200, 400], head) with { Counted = -1 };
        yield return Compressed("gzip that is none", Encoding.ASCII.GetBytes("{\"a\":1} not gzip"), [400], head);
    }

    private static Attack Hanging(string name, string text) => new(name, Latin(text), []) { HangsUp = true };

    private static Attack Compressed(string name, byte[] body, int[] answers, string head) =>
        new(name, [.. Latin($"{head}Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: {body.Length}\r\n\r\n"), .. body], answers);

    private static byte[] Gzip(byte[] plain)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest))
        {
            gzip.Write(plain);
        }

        return stream.ToArray();
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);
}
