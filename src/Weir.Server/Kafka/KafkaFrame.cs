using System.Buffers;
using System.IO.Pipelines;

namespace Weir.Server.Kafka;

/// <summary>
/// The bytes of one request, without its length field, held by everybody who reads them: the request itself, and each batch of it that a partition
/// still folds. The last one gives the buffer and its share of the memory back.
/// </summary>
internal sealed class KafkaFrame : IDisposable
{
    // Until so much of it has arrived a request waits in the transport's own buffer: who only says how long its request will be is given nothing.
    private const int InTransportBytes = 256 << 10;

    private readonly KafkaMemory _memory;
    private byte[] _buffer;
    private int _holders = 1;

    private KafkaFrame(KafkaMemory memory, int length)
    {
        _memory = memory;
        _buffer = ArrayPool<byte>.Shared.Rent(length);
        Length = length;
    }

    public int Length { get; }

    public Memory<byte> Bytes => _buffer.AsMemory(0, Length);

    /// <summary>Reads a request. Waits for memory, which stops the reading of the connection.</summary>
    /// <param name="length">Not more than the server takes.</param>
    /// <returns>Null: the client left before the last byte.</returns>
    public static async ValueTask<KafkaFrame?> ReadAsync(PipeReader input, int length, KafkaMemory memory, CancellationToken closed)
    {
        int first = Math.Min(length, InTransportBytes);
        ReadResult read = await input.ReadAtLeastAsync(first, closed);
        if (read.Buffer.Length < first)
        {
            return null;
        }

        await memory.TakeAsync(length, closed);
        var frame = new KafkaFrame(memory, length);
        try
        {
            int filled = frame.Fill(read, input, 0);
            while (filled < length)
            {
                read = await input.ReadAsync(closed);
                if (read.IsCompleted && read.Buffer.IsEmpty)
                {
                    frame.Dispose();
                    return null;
                }

                filled = frame.Fill(read, input, filled);
            }

            return frame;
        }
        catch
        {
            frame.Dispose();
            throw;
        }
    }

    /// <summary>One more holder, who disposes the frame too.</summary>
    public KafkaFrame Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _memory.Return(Length);
        }
    }

    private int Fill(in ReadResult read, PipeReader input, int filled)
    {
        ReadOnlySequence<byte> arrived = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, Length - filled));
        int end = filled + (int)arrived.Length;
        arrived.CopyTo(_buffer.AsSpan(filled));

        // What has been read is not there any more after this.
        input.AdvanceTo(arrived.End);
        return end;
    }
}
