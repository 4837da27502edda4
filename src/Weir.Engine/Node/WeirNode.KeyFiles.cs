using Weir.Core;

namespace Weir.Engine;

/// <summary>Makes the key files of segments that were sealed, or whose file is missing or damaged.</summary>
public sealed partial class WeirNode
{
    private static readonly TimeSpan KeyFilesEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeyFilesAfterFailure = TimeSpan.FromMinutes(1);

    private int _isMakingKeyFiles;
    private long _keyFilesAt;
    private TimeSpan _keyFilesDelay = KeyFilesEvery;

    /// <summary>About once a second: when a segment lacks its key file, a thread of its own makes it. Publisher thread.</summary>
    internal void ConsiderKeyFiles()
    {
        // Files that only spare time take nothing of the room that is left for recovery.
        if (_isDiskFull || Time.GetElapsedTime(_keyFilesAt) < _keyFilesDelay || !AllPartitions.Any(partition => partition.Keys.HasWork) || Interlocked.Exchange(ref _isMakingKeyFiles, 1) == 1)
        {
            return;
        }

        _keyFilesAt = Time.GetTimestamp();
        _ = StartJob("weir-keys", () =>
        {
            try
            {
                MakeKeyFiles();
            }
            finally
            {
                Volatile.Write(ref _isMakingKeyFiles, 0);
            }
        });
    }

    /// <summary>Makes all that are missing. Blocks for as long as reading their segments takes.</summary>
    internal void MakeKeyFiles()
    {
        _keyFilesDelay = KeyFilesEvery;
        foreach (EventStream stream in _streams.Values)
        {
            foreach (Partition partition in stream.PartitionList)
            {
                try
                {
                    while (!_isDiskFull && partition.Keys.MakeNext())
                    {
                    }
                }
                catch (Exception exception) when (exception is WeirException or OverflowException or InvalidOperationException)
                {
                    _keyFilesDelay = KeyFilesAfterFailure;
                    _report(EngineEvent.KeyFileFailed, $"A key file of {stream.Name}/{partition.Id} could not be made: {exception.Message} Receipts read the segment instead; the next try is in a minute.");
                }
            }
        }
    }
}
