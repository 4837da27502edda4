using System.Buffers;
using System.Text;
using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// What live subscribers get: a snapshot (all shown rows), or the rows that changed since the frame before. Values are
/// absolute, so applying a frame twice is harmless. Immutable; encoded once for all subscribers, when the first one asks.
/// </summary>
/// <remarks>
/// <code>{"position":"votes:0=1841","rows":[{"choice":"a","votes":10}],"removed":[["b"]],"final":false,"errors":0}</code>
/// <c>removed</c> holds group keys: the values of the <c>key</c> columns. A snapshot has in addition, before <c>position</c>:
/// <code>"snapshot":true,"view":"results","columns":["choice","votes"],"key":["choice"],"order":"-votes"</code>
/// and any frame, once the view has stopped, <c>"stopped":"reason"</c>. Until the stream is final a frame without rows goes out
/// after a second in which nothing changed: a subscriber that hears nothing for longer is cut off, or the view hangs.
/// </remarks>
public sealed class LiveFrame
{
    private readonly Lazy<byte[]> _json;
    private readonly Lazy<byte[]> _event;

    internal LiveFrame(long sequence, int rowCount, bool isSnapshot, bool isFinal, Position position, string id, string previousId, Func<byte[]> encode)
    {
        Sequence = sequence;
        RowCount = rowCount;
        IsSnapshot = isSnapshot;
        IsFinal = isFinal;
        Position = position;
        Id = id;
        PreviousId = previousId;
        _json = new Lazy<byte[]>(encode);
        _event = new Lazy<byte[]>(EncodeEvent);
    }

    /// <summary><c>&lt;view version&gt;;&lt;position&gt;</c>: what a client gives back to go on from here.</summary>
    public string Id { get; }

    public Position Position { get; }

    public bool IsSnapshot { get; }

    /// <summary>True when the stream is final: nothing will change unless it is opened again.</summary>
    public bool IsFinal { get; }

    /// <summary>The frame as one line of UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Json => _json.Value;

    /// <summary>The frame as a server-sent event: <c>id</c>, <c>event</c> (<c>snapshot</c> or <c>delta</c>), <c>data</c>, blank line.</summary>
    public ReadOnlyMemory<byte> ServerSentEvent => _event.Value;

    internal long Sequence { get; }

    /// <summary>The id that a client has seen last for which this is the next frame.</summary>
    internal string PreviousId { get; }

    /// <summary>Rows and removed keys in it: its size before it is encoded.</summary>
    internal int RowCount { get; }

    private byte[] EncodeEvent()
    {
        ArrayBufferWriter<byte> text = new();
        text.Write(Encoding.UTF8.GetBytes($"id: {Id}\nevent: {(IsSnapshot ? "snapshot" : "delta")}\ndata: "));
        text.Write(_json.Value);
        text.Write("\n\n"u8);
        return text.WrittenSpan.ToArray();
    }
}
