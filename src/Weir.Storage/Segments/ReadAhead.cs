namespace Weir.Storage.Segments;

/// <summary>
/// Has the system fetch what a reader that goes through a file gets to next, so that the disk works while the reader computes: alone, the system
/// reads 128 KiB ahead, which is a wait for every one of them. Begins when so much has been read that a look-up would have ended.
/// </summary>
internal struct ReadAhead
{
    private const long WindowBytes = 16 << 20;
    private const long StepBytes = 4 << 20;
    private const long AfterBytes = 1 << 20;

    private long _start;
    private long _prefetchedEnd;
    private bool _hasStarted;

    /// <summary>The reader will have read up to <paramref name="filePosition"/>, each time further than before.</summary>
    /// <param name="limit">End (exclusive) of what will be read.</param>
    public void Note(IDiskFile file, long filePosition, long limit)
    {
        if (!_hasStarted)
        {
            (_hasStarted, _start, _prefetchedEnd) = (true, filePosition, filePosition);
        }

        if (filePosition - _start < AfterBytes)
        {
            return;
        }

        long end = Math.Min(filePosition + WindowBytes, limit);
        long from = Math.Max(_prefetchedEnd, filePosition);
        if (end - from >= (end == limit ? AfterBytes : StepBytes))
        {
            file.Prefetch(from, end - from);
            _prefetchedEnd = end;
        }
    }
}
