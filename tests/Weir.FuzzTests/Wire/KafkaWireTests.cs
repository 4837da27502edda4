using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Tests.Kafka;
using Weir.TestKit;

namespace Weir.FuzzTests.Wire;

/// <summary>
/// Mutated requests over connections to the Kafka port, as many as <see cref="TestScale.KafkaInputs"/> says: what is answered, what ends a connection and with which
/// line in the log, what is allocated, and what is in the stream afterwards. <c>WEIR_FUZZ_SEED</c> chooses other inputs.
/// </summary>
public sealed class KafkaWireTests
{
    /// <summary>Between two looks at whether others are served as ever.</summary>
    private const int InputsBetweenLooks = 100;

    private const int MostFailures = 5;

    // What a connection, its requests, a new segment on the simulated disk and the test itself cost, and what an input's byte may: two of them name a topic, which is answered with a sentence.
    private const long FixedBytes = 1 << 20;
    private const long BytesPerByte = 512;

    // The server's way out, the pipe's buffers as they grow, and the test's own.
    private const long CopiesOfAnswers = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Longer than any wait that a request can ask for.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(31);

    private static readonly TimeSpan BetweenAdvances = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task Whatever_is_sent_is_answered_or_ends_its_connection_with_one_line_and_touches_nothing_else()
    {
        int inputs = TestScale.KafkaInputs;
        int seed = int.Parse(Environment.GetEnvironmentVariable("WEIR_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);
        await using InMemoryKafka kafka = await InMemoryKafka.StartAsync();
        await kafka.DefineAsync(KafkaInputs.Topic);

        // Among so many inputs some rightly ask to delete it.
        await kafka.KeepAsync(KafkaInputs.Topic);
        byte[] offer = await OfferAsync(kafka);
        var source = new KafkaInputs(seed);
        var taken = new SortedDictionary<long, string>();
        var failures = new List<string>();
        long ended = 0, answers = 0, largest = 0;

        // The first pass pays for what is made once.
        foreach (byte[] frame in KafkaInputs.Frames)
        {
            await TryAsync(kafka, source, frame, leaves: false);
        }

        for (int i = 0; i < inputs; i++)
        {
            byte[] input = source.Next();
            try
            {
                Outcome outcome = await TryAsync(kafka, source, input, leaves: i % 8 == 7);
                largest = Math.Max(largest, outcome.Allocated);
                answers += outcome.Answers;
                ended += outcome.IsEnded ? 1 : 0;
            }
            catch (Exception failure)
            {
                failures.Add($"seed {seed}, input {i}, {Convert.ToHexStringLower(input)}: {failure}");
                Assert.True(failures.Count < MostFailures, string.Join("\n\n", failures));
            }

            if (i % InputsBetweenLooks == 0)
            {
                Assert.Equal(offer, await OfferAsync(kafka));
                string value = $$"""{"good":{{i}}}""";
                taken.Add(await ProduceAsync(kafka, value), value);
            }
        }

        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
        Assert.True(SpinWait.SpinUntil(() => kafka.Server.Memory.TakenBytes == 0, Patience), $"{kafka.Server.Memory.TakenBytes} bytes of memory are taken by nobody");
        Assert.Equal(0, kafka.Server.Connections);
        List<(long Offset, string Value)> log = await ReadAllAsync(kafka);
        Assert.DoesNotContain(log, one => !KafkaInputs.Payloads.Contains(one.Value) && !taken.ContainsKey(one.Offset));
        Assert.Equal(taken, log.Where(one => taken.ContainsKey(one.Offset)).ToDictionary(one => one.Offset, one => one.Value));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kafka wire, seed {seed}: {inputs} inputs, {answers} answers, {ended} connections ended for what was sent, {log.Count} records in the log, {largest} bytes allocated at most for one input"));
    }

    private static async Task<Outcome> TryAsync(InMemoryKafka kafka, KafkaInputs source, byte[] input, bool leaves)
    {
        KafkaExpectation owed = KafkaExpectation.Of(input, (key, version) => kafka.Server.Apis.All.Any(api => (short)api.Api.Key == key && api.Has(version)));
        kafka.Log.Lines.Clear();
        ReadOnlyMemory<byte>[] pieces = [.. source.Pieces(input)];
        long before = GC.GetTotalAllocatedBytes(precise: true);
        byte[] answers;
        string peer;
        await using (InMemoryConnection connection = kafka.Connect())
        {
            peer = connection.RemoteEndPoint!.ToString()!;
            int sent = 0;
            foreach (ReadOnlyMemory<byte> piece in pieces)
            {
                sent += piece.Length;
                await (sent < owed.MayEndAt ? connection.SendAsync(piece) : connection.SendOnAsync(piece));
            }

            // Whom the server is to end, it ends by itself.
            if (leaves)
            {
                connection.Leave();
            }
            else if (owed.Line is null)
            {
                connection.EndSending();
            }

            if (owed.MayWait)
            {
                await LetTimePassUntilServedAsync(kafka, connection);
            }

            answers = await connection.ReadToEndAsync();
        }

        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(allocated <= FixedBytes + owed.AskedBytes + (CopiesOfAnswers * answers.LongLength) + (BytesPerByte * input.Length), $"{allocated} bytes were allocated for {input.Length} that were sent and {owed.AskedBytes} that were asked for");
        (LogLevel Level, string Text)[] lines = [.. kafka.Log.Lines];
        Assert.All(lines, line => Assert.True(line.Level == LogLevel.Warning && line.Text.Contains(peer, StringComparison.Ordinal), line.Text));
        int answered = CheckAnswers(answers, owed);
        Assert.True(lines.Length <= 1, string.Join('\n', lines));
        bool isRefused = lines.Length == 1 && lines[0].Text.Contains("acks=0", StringComparison.Ordinal);
        if (isRefused)
        {
            Assert.True(owed.MayBeRefused, lines[0].Text);
            Assert.Contains("API 0 version", lines[0].Text, StringComparison.Ordinal);
        }
        else
        {
            Assert.All(lines, line => Assert.Contains(owed.Line!, line.Text, StringComparison.Ordinal));
        }

        // A refused batch takes the answers with it that were not sent yet; a line about what came behind it is the one line then.
        if (!leaves)
        {
            Assert.True(owed.Line is null || lines.Length == 1, $"no line in the log; {owed.Line}");
            Assert.True(answered == owed.Answers.Count || (owed.MayBeRefused && lines.Length == 1), $"{answered} answers instead of {owed.Answers.Count}");
        }

        return new Outcome(allocated, answered, lines.Length > 0);
    }

    /// <summary>What waits for events, or for other members of a group, waits by the clock, which stands still but for this.</summary>
    private static async Task LetTimePassUntilServedAsync(InMemoryKafka kafka, InMemoryConnection connection)
    {
        long began = Stopwatch.GetTimestamp();
        while (await Task.WhenAny(connection.Served, Task.Delay(BetweenAdvances)) != connection.Served && Stopwatch.GetElapsedTime(began) < Patience)
        {
            kafka.Time.Advance(LongestWait);
        }
    }

    /// <summary>Whole answers to the requests in their order; how many.</summary>
    private static int CheckAnswers(byte[] bytes, KafkaExpectation owed)
    {
        int answered = 0;
        for (int at = 0; at < bytes.Length; answered++)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
            (Api api, short version, int correlation) = owed.Answers[answered];
            var reader = new KafkaReader(bytes.AsMemory(at + sizeof(int), length));
            Assert.Equal(correlation, ResponseHeader.Read(ref reader, api, version));
            api.ReadResponse(ref reader, version);
            Assert.Equal(0, reader.RemainingBytes);
            at += sizeof(int) + length;
        }

        return answered;
    }

    private static Task<byte[]> OfferAsync(InMemoryKafka kafka) =>
        kafka.AnswersAsync(KafkaClient.Frame(ApiTable.ApiVersions, 3, 1, new ApiVersionsRequest { ClientSoftwareName = "good", ClientSoftwareVersion = "1" }));

    private static async Task<long> ProduceAsync(InMemoryKafka kafka, string value)
    {
        ProduceResponse.PartitionProduceResponse answer = (await AskAsync<ProduceResponse>(kafka, ApiTable.Produce, 9, KafkaClient.ProduceRequest(KafkaInputs.Topic, 0, KafkaClient.Batch(value)))).Responses[0].PartitionResponses[0];
        Assert.Equal(KafkaError.None, answer.ErrorCode);
        return answer.BaseOffset;
    }

    private static async Task<List<(long Offset, string Value)>> ReadAllAsync(InMemoryKafka kafka)
    {
        List<(long Offset, string Value)> all = [];
        while (true)
        {
            long next = all.Count == 0 ? 0 : all[^1].Offset + 1;
            FetchResponse.PartitionData data = (await AskAsync<FetchResponse>(kafka, ApiTable.Fetch, 11, KafkaClient.FetchRequest(KafkaInputs.Topic, 0, next))).Responses[0].Partitions[0];
            Assert.Equal(KafkaError.None, data.ErrorCode);

            // A batch comes whole, also when it begins before the offset that was asked for.
            (long Offset, string Value)[] events = [.. KafkaClient.Events(data.Records).Where(one => one.Offset >= next)];
            if (events.Length == 0)
            {
                return all;
            }

            all.AddRange(events);
        }
    }

    private static async Task<T> AskAsync<T>(InMemoryKafka kafka, Api api, short version, IKafkaMessage request)
        where T : class, IKafkaMessage
    {
        byte[] answer = await kafka.AnswersAsync(KafkaClient.Frame(api, version, 1, request));
        var reader = new KafkaReader(answer.AsMemory(sizeof(int)));
        Assert.Equal(1, ResponseHeader.Read(ref reader, api, version));
        return (T)api.ReadResponse(ref reader, version);
    }

    /// <param name="Allocated">Bytes, by everybody in the process.</param>
    /// <param name="IsEnded">Whether the server ended the connection for what was sent.</param>
    private readonly record struct Outcome(long Allocated, int Answers, bool IsEnded);
}
