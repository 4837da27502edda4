namespace Weir.Server.Kafka;

/// <summary>
/// Bounds the bytes of requests and answers that all Kafka connections hold. Who finds none left waits, which stops the reading of his connection: TCP tells
/// the client. Any thread.
/// </summary>
internal sealed class KafkaMemory(long limitBytes)
{
    private readonly Lock _taking = new();
    private readonly Queue<(long Bytes, TaskCompletionSource Taken)> _waiting = new();
    private long _takenBytes;

    public long TakenBytes => Interlocked.Read(ref _takenBytes);

    /// <summary>Takes bytes, at once when there are any left, else in the order of the callers. More than the limit is taken alone.</summary>
    public ValueTask TakeAsync(long bytes, CancellationToken cancellation)
    {
        TaskCompletionSource waiting;
        lock (_taking)
        {
            if (_waiting.Count == 0 && HasRoom(bytes))
            {
                _takenBytes += bytes;
                return ValueTask.CompletedTask;
            }

            waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, waiting));
        }

        return WaitAsync(waiting, bytes, cancellation);
    }

    /// <returns>False when there are not as many left; nothing is taken then.</returns>
    public bool TryTake(long bytes)
    {
        lock (_taking)
        {
            if (_waiting.Count > 0 || !HasRoom(bytes))
            {
                return false;
            }

            _takenBytes += bytes;
            return true;
        }
    }

    public void Return(long bytes)
    {
        lock (_taking)
        {
            _takenBytes -= bytes;
            LetIn();
        }
    }

    private async ValueTask WaitAsync(TaskCompletionSource waiting, long bytes, CancellationToken cancellation)
    {
        await using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetCanceled(), waiting);
        await waiting.Task;
    }

    private bool HasRoom(long bytes) => _takenBytes == 0 || _takenBytes + bytes <= limitBytes;

    private void LetIn()
    {
        while (_waiting.TryPeek(out (long Bytes, TaskCompletionSource Taken) next) && HasRoom(next.Bytes))
        {
            _waiting.Dequeue();
            _takenBytes += next.Bytes;
            if (!next.Taken.TrySetResult())
            {
                // Its connection is gone.
                _takenBytes -= next.Bytes;
            }
        }
    }
}
