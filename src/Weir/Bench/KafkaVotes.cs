using System.Text;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Cli.Bench;

/// <summary>
/// Produce requests made before the clock starts: one batch of votes each, in its keys' partition, every user once. A vote is 100 bytes.
/// </summary>
internal sealed class KafkaVotes
{
    public const int VoteBytes = 100;

    private const int IdDigits = 16;
    private const int UserDigits = 8;

    // Odd and no multiple of 5, so that number → user is one to one below 100 million.
    private const ulong UserStep = 61_803_399;
    private const ulong Users = 100_000_000;

    private readonly byte[] _vote;
    private readonly int _idAt;
    private readonly int _userAt;
    private readonly RecordBatchWriter _batch = new(1 << 18);
    private readonly List<byte[]>[] _waiting;
    private ulong _next;

    public KafkaVotes(int partitions)
    {
        string vote = $$"""{"id":"{{new string('0', IdDigits)}}","user":"u{{new string('0', UserDigits)}}","choice":"option-00","pad":""";
        _vote = Encoding.ASCII.GetBytes($"{vote}\"{new string('.', VoteBytes - vote.Length - 3)}\"}}");
        _idAt = vote.IndexOf('0', StringComparison.Ordinal);
        _userAt = vote.IndexOf("u0", StringComparison.Ordinal) + 1;
        _waiting = [.. Enumerable.Range(0, partitions).Select(_ => new List<byte[]>())];
    }

    /// <summary>Makes the requests of a run; the partitions take turns.</summary>
    /// <param name="records">Of each request.</param>
    public byte[][] Make(long requests, int records)
    {
        var made = new byte[requests][];
        for (long i = 0; i < requests; i++)
        {
            int partition = (int)(i % _waiting.Length);
            Fill(partition, records);
            made[i] = RequestOf(partition, records);
        }

        return made;
    }

    private void Fill(int partition, int records)
    {
        List<byte[]> waiting = _waiting[partition];
        while (waiting.Count < records)
        {
            byte[] vote = (byte[])_vote.Clone();
            ulong number = _next++;
            Digits.Write(vote.AsSpan(_idAt, IdDigits), number);
            Digits.Write(vote.AsSpan(_userAt, UserDigits), number * UserStep % Users);
            vote[_userAt + UserDigits + "\",\"choice\":\"option-0".Length] = (byte)('0' + (number % 10));
            int at = Partitioner.PartitionOf(PartitionerKind.Murmur2, vote.AsSpan(_userAt - 1, UserDigits + 1), _waiting.Length);
            _waiting[at].Add(vote);
        }
    }

    private byte[] RequestOf(int partition, int records)
    {
        List<byte[]> waiting = _waiting[partition];
        _batch.Begin(timestampMs: 0);
        for (int i = waiting.Count - records; i < waiting.Count; i++)
        {
            _batch.Append(hasKey: true, waiting[i].AsSpan(_userAt - 1, UserDigits + 1), waiting[i]);
        }

        waiting.RemoveRange(waiting.Count - records, records);
        using var writer = new KafkaWriter();
        writer.WriteRequest(ApiTable.Produce, RawKafkaConnection.ProduceVersion, correlationId: 0, "weir-bench", new ProduceRequest
        {
            Acks = -1,
            TimeoutMs = 30_000,
            TopicData = [new() { Name = BenchServer.Stream, PartitionData = [new() { Index = partition, Records = new KafkaRecords(_batch.Finish().ToArray()) }] }],
        });
        var request = new MemoryStream();
        foreach (FramePiece piece in writer.Pieces())
        {
            request.Write(piece.Memory.Span);
        }

        return request.ToArray();
    }
}
