using System.Diagnostics;
using Weir.Engine;
using Weir.Server.Metrics;

namespace Weir.Server.Http;

/// <summary>
/// The batches of one body that were handed to the stream and are not answered yet: bounded, collected in the body's order.
/// A batch is disposed only after its submission has ended, because the stream reads it until then.
/// </summary>
internal sealed class PieceQueue(EventStream stream, EventsRequest asked, IngestBudget budget, IngestAdmission admission, ServerMetrics metrics, int bound) : IAsyncDisposable
{
    private readonly Queue<(IngestBatch Batch, ValueTask Submitted, long Timestamp)> _submitted = new(bound);
    private IngestBatch? _next;

    public EventsAnswer Answer { get; } = new(stream, asked, budget, admission);

    public string? IdempotencyKey { get; } = asked.IdempotencyKey;

    /// <summary>Events of all batches submitted: the index of the next batch's first event.</summary>
    public long EventsBefore { get; private set; }

    /// <summary>
    /// An empty batch to fill; waits while as many as allowed are in flight. Asked for when the events are there, and submitted without
    /// waiting for anything else: its moment decides on which side of a close the events lie.
    /// </summary>
    public async ValueTask<IngestBatch> NextAsync()
    {
        if (_submitted.Count == bound)
        {
            await CollectOldestAsync();
        }

        return _next = stream.NewBatch();
    }

    /// <summary>Hands over the batch that <see cref="NextAsync"/> gave. An empty one goes back.</summary>
    public void Submit(IngestBatch batch)
    {
        _next = null;
        if (batch.Count == 0)
        {
            batch.Dispose();
            return;
        }

        EventsBefore += batch.Count;
        _submitted.Enqueue((batch, asked.Submit(batch), Stopwatch.GetTimestamp()));
    }

    /// <summary>Waits for everything that was submitted; then <see cref="Answer"/> is whole.</summary>
    public async ValueTask CompleteAsync()
    {
        while (_submitted.Count > 0)
        {
            await CollectOldestAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CompleteAsync();
        _next?.Dispose();
        Answer.Return();
    }

    private async ValueTask CollectOldestAsync()
    {
        (IngestBatch batch, ValueTask submitted, long timestamp) = _submitted.Dequeue();
        using (batch)
        {
            await submitted;
            metrics.Record(stream, batch.Totals, Stopwatch.GetElapsedTime(timestamp));
            Answer.Collect(batch);
        }
    }
}
