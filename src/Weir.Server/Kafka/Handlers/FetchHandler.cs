using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Metrics;
using Weir.Storage;

namespace Weir.Server.Kafka.Handlers;

/// <summary>
/// Fetch: batches as they lie in the segments, up to what is flushed. A client at the end waits for the next flush without a thread.
/// </summary>
internal sealed class FetchHandler(KafkaTopics topics, FetchSessions sessions, KafkaMemory memory, KafkaMetrics metrics, TimeProvider time)
{
    /// <summary>One answer's batches at most, whatever a client asks for; a first batch that is longer is sent all the same. Bytes.</summary>
    private const int MostBytes = 16 << 20;

    private const int SmallBytes = 64 << 10;

    // A client that waits for more than one batch has its partitions looked at this often, and not at every flush.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(5);

    /// <summary>The longest wait that a client can ask for.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    public IEnumerable<KafkaApi> Apis => [new(ApiTable.Fetch, HandleAsync)];

    private async ValueTask<IKafkaMessage?> HandleAsync(KafkaRequest request)
    {
        var fetch = request.As<FetchRequest>();
        KafkaError error = sessions.Take(fetch, out FetchSession? session);
        if (error != KafkaError.None)
        {
            return new FetchResponse { ErrorCode = error };
        }

        try
        {
            List<Answered> answered = await ReadAsync(request, fetch, session?.Partitions ?? [.. FetchSessions.PartitionsOf(fetch)]);
            foreach (Answered one in answered)
            {
                if (one.Buffer is { Length: > 0 } sent)
                {
                    metrics.Fetched(one.Stream!, sent.Length);
                }
            }

            if (session is null)
            {
                return new FetchResponse { Responses = ByTopic(answered) };
            }

            bool isIncremental = fetch.SessionEpoch > 0;
            IEnumerable<Answered> told = isIncremental ? answered.Where(one => one.IsWorthTelling) : answered;
            var response = new FetchResponse { SessionId = session.Id, Responses = ByTopic([.. told]) };
            answered.ForEach(one => one.NoteTold());
            session.MoveToEnd(answered.Where(one => one.Data.Records is { Length: > 0 }).Select(one => one.Wanted));
            return response;
        }
        finally
        {
            if (session is not null)
            {
                sessions.Release(session);
            }
        }
    }

    private async ValueTask<List<Answered>> ReadAsync(KafkaRequest request, FetchRequest fetch, IReadOnlyList<FetchedPartition> wanted)
    {
        long began = time.GetTimestamp();
        TimeSpan wait = TimeSpan.FromMilliseconds(Math.Clamp(fetch.MaxWaitMs, 0, LongestWait.TotalMilliseconds));
        List<Answered> answered = Read(request, fetch, wanted);
        if (IsEnough(answered, fetch) || wait == TimeSpan.Zero)
        {
            return answered;
        }

        using var flushes = new FlushSignal();
        foreach (Answered one in answered)
        {
            if (one.Stream is { } stream)
            {
                flushes.Watch(stream, one.Wanted.Partition);
            }
        }

        while (true)
        {
            // Watched first and read again, so that no flush falls between.
            Task next = flushes.Next();
            answered = Read(request, fetch, wanted, answered);
            TimeSpan left = wait - time.GetElapsedTime(began);
            if (IsEnough(answered, fetch) || left <= TimeSpan.Zero || request.Connection.Closed.IsCancellationRequested)
            {
                return answered;
            }

            try
            {
                await next.WaitAsync(left, time, request.Connection.Closed);
                if (answered.Exists(one => one.Buffer is not null))
                {
                    await Task.Delay(BetweenLooks < left ? BetweenLooks : left, time, request.Connection.Closed);
                }
            }
            catch (TimeoutException)
            {
                // The next look is the last one.
            }
        }
    }

    private static bool IsEnough(List<Answered> answered, FetchRequest fetch)
    {
        long bytes = 0;
        foreach (Answered one in answered)
        {
            if (one.Data.ErrorCode != KafkaError.None)
            {
                return true;
            }

            bytes += one.Data.Records?.Length ?? 0;
        }

        return bytes >= fetch.MinBytes;
    }

    /// <param name="before">What an earlier look found: only partitions that have more by now are read again.</param>
    private List<Answered> Read(KafkaRequest request, FetchRequest fetch, IReadOnlyList<FetchedPartition> wanted, List<Answered>? before = null)
    {
        int left = Math.Min(MostBytes, Math.Max(fetch.MaxBytes, 0));
        bool isFirst = true;
        var answered = new List<Answered>(wanted.Count);
        for (int i = 0; i < wanted.Count; i++)
        {
            Answered one;
            if (before is not null && !before[i].HasMore)
            {
                one = before[i];
            }
            else
            {
                before?[i].Buffer?.Dispose();
                one = Read(request, fetch, wanted[i], left, isFirst);
            }

            int bytes = one.Data.Records?.Length ?? 0;
            isFirst &= bytes == 0;
            left = Math.Max(0, left - bytes);
            answered.Add(one);
        }

        return answered;
    }

    private Answered Read(KafkaRequest request, FetchRequest fetch, FetchedPartition wanted, int left, bool isFirst)
    {
        var data = new FetchResponse.PartitionData
        {
            PartitionIndex = wanted.Partition,
            HighWatermark = -1,
            AbortedTransactions = fetch.IsolationLevel == 0 ? null : [],
            Records = new KafkaRecords(default),
        };
        bool isById = request.Version >= 13;
        bool isFound = isById ? topics.TryFind(wanted.TopicId, out EventStream? stream, out KafkaError error) : topics.TryFind(wanted.Topic, out stream, out error);
        if (!isFound || wanted.Partition < 0 || wanted.Partition >= stream!.PartitionCount)
        {
            data.ErrorCode = isFound ? KafkaError.UnknownTopicOrPartition : error;
            return new Answered(wanted, null, data, null);
        }

        FetchBuffer? buffer = null;
        try
        {
            data.LogStartOffset = stream.LogStart(wanted.Partition);
            data.HighWatermark = data.LastStableOffset = stream.FlushedEnd(wanted.Partition);
            if (wanted.Offset < data.LogStartOffset || wanted.Offset > data.HighWatermark)
            {
                data.ErrorCode = KafkaError.OffsetOutOfRange;
            }
            else if (wanted.Offset < data.HighWatermark && (left > 0 || isFirst))
            {
                buffer = ReadBatches(request, stream, wanted, Math.Min(left, Math.Max(wanted.MaxBytes, 0)), isFirst);
                data.Records = new KafkaRecords(buffer?.Written ?? default);
            }
        }
        catch (WeirException failure)
        {
            data.ErrorCode = KafkaTopics.ErrorOf(failure);
        }

        return new Answered(wanted, stream, data, buffer);
    }

    // Null: others hold the memory. Nothing now, and the client asks again.
    private FetchBuffer? ReadBatches(KafkaRequest request, EventStream stream, FetchedPartition wanted, int most, bool isFirst)
    {
        FetchBuffer? buffer = FetchBuffer.TryMake(memory, Math.Max(most, SmallBytes)) ?? FetchBuffer.TryMake(memory, SmallBytes);
        if (buffer is null)
        {
            return null;
        }

        request.HoldUntilSent(buffer);
        LogReader reader = request.Connection.Readers.Take(stream, wanted.Partition, wanted.Offset);
        long next = wanted.Offset;
        int largest = 0;
        try
        {
            // Stops where a batch like those before would not fit, because a reader does not go back.
            while ((buffer.Length == 0 || buffer.Length + largest <= most) && reader.TryReadNext(out StoredBatch batch))
            {
                largest = Math.Max(largest, batch.Bytes.Length);
                if ((buffer.Length == 0 && !isFirst && batch.Bytes.Length > most) || !buffer.TryAppend(batch.Bytes))
                {
                    reader.Seek(batch.BaseOffset);
                    break;
                }

                next = batch.End.Value;
            }
        }
        catch (LogDamagedException) when (buffer.Length > 0)
        {
            // What lies before the damage is an answer; the next request begins at the damage and is told.
            reader.Dispose();
            return buffer;
        }
        catch
        {
            reader.Dispose();
            throw;
        }

        request.Connection.Readers.Keep(stream, wanted.Partition, next, reader);
        return buffer;
    }

    private static List<FetchResponse.FetchableTopicResponse> ByTopic(List<Answered> answered)
    {
        var topics = new List<FetchResponse.FetchableTopicResponse>();
        foreach (IGrouping<(string, Guid), Answered> topic in answered.GroupBy(one => (one.Wanted.Topic, one.Wanted.TopicId)))
        {
            topics.Add(new FetchResponse.FetchableTopicResponse { Topic = topic.Key.Item1, TopicId = topic.Key.Item2, Partitions = [.. topic.Select(one => one.Data)] });
        }

        return topics;
    }

    /// <param name="Stream">Null where the topic is not known.</param>
    private sealed record Answered(FetchedPartition Wanted, EventStream? Stream, FetchResponse.PartitionData Data, FetchBuffer? Buffer)
    {
        public bool HasMore => Stream is not null && Stream.FlushedEnd(Wanted.Partition) > Data.HighWatermark;

        public bool IsWorthTelling =>
            Data.ErrorCode != KafkaError.None || Data.Records is { Length: > 0 } || Data.HighWatermark != Wanted.ToldHighWatermark || Data.LogStartOffset != Wanted.ToldLogStart;

        public void NoteTold() => (Wanted.ToldHighWatermark, Wanted.ToldLogStart) = (Data.HighWatermark, Data.LogStartOffset);
    }

    /// <summary>Completes a task at the next flush of any of several partitions.</summary>
    private sealed class FlushSignal : IDisposable
    {
        private readonly List<IDisposable> _watched = [];
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Watch(EventStream stream, int partition) => _watched.Add(stream.WatchFlushes(partition, () => Volatile.Read(ref _next).TrySetResult()));

        /// <summary>The first flush after this call.</summary>
        public Task Next()
        {
            if (_next.Task.IsCompleted)
            {
                Volatile.Write(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            return _next.Task;
        }

        public void Dispose() => _watched.ForEach(watched => watched.Dispose());
    }
}
