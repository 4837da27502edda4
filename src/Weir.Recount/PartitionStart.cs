using System.Globalization;
using Weir.Core;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>A partition's log and what it begins with.</summary>
internal sealed class PartitionStart : IDisposable
{
    // Retention writes a base, then deletes segments, then the base before: each look finds a later one.
    private const int Looks = 3;

    private PartitionStart(PartitionLog log, BaseState? from) => (Log, Base) = (log, from);

    public PartitionLog Log { get; }

    /// <summary>Null: the log has its first record.</summary>
    public BaseState? Base { get; }

    /// <summary>The first record that is counted.</summary>
    public long Offset => Base?.Offset ?? 0;

    /// <param name="end">Exclusive; flushed.</param>
    /// <exception cref="WeirException"><see cref="ErrorCode.InvalidPosition"/>: retention has cut the log behind <paramref name="end"/>. <see cref="ErrorCode.LogDamaged"/>: the log or its base cannot be read.</exception>
    public static PartitionStart Open(IDisk disk, string directory, long end)
    {
        for (int look = 1; ; look++)
        {
            PartitionLog log = PartitionLog.OpenReadOnly(disk, directory, new Offset(end), new LogOptions());
            BaseState? from = null;
            try
            {
                from = log.LogStart > Core.Offset.Zero ? BaseState.Open(disk, log) : null;
                if (from is null || (from.Offset >= log.LogStart.Value && from.Offset <= end))
                {
                    return new PartitionStart(log, from);
                }

                if (from.Offset > end)
                {
                    throw new WeirException(ErrorCode.InvalidPosition, string.Create(CultureInfo.InvariantCulture, $"The position ends at offset {end} in {directory}, but retention has cut the log at {from.Offset}."));
                }

                if (look == Looks)
                {
                    throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"The log in {directory} begins at offset {log.LogStart}, but its base is of offset {from.Offset}: what lies between is gone."));
                }
            }
            catch
            {
                from?.Dispose();
                log.Dispose();
                throw;
            }

            from.Dispose();
            log.Dispose();
        }
    }

    public void Dispose()
    {
        Base?.Dispose();
        Log.Dispose();
    }
}
