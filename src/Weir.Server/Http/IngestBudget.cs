namespace Weir.Server.Http;

/// <summary>
/// Bounds the bytes of request bodies, and of long lists of verdicts, that are in memory at one time, whatever the number of requests. Taken before a body is read,
/// so that a flood is turned away before work is done for it. Any thread.
/// </summary>
/// <param name="limitBytes">At least one piece.</param>
internal sealed class IngestBudget(long limitBytes)
{
    private long _takenBytes;

    public long TakenBytes => Interlocked.Read(ref _takenBytes);

    /// <returns>False when the limit would be passed; nothing is taken then.</returns>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _takenBytes, bytes) <= limitBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    /// <summary>As <see cref="TryTake"/>, for what a request can do without: leaves half of the limit to the bodies themselves.</summary>
    public bool TryTakeSpare(long bytes)
    {
        if (Interlocked.Add(ref _takenBytes, bytes) <= limitBytes / 2)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _takenBytes, -bytes);
}
