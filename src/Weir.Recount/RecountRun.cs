using System.Globalization;
using Weir.Core;
using Weir.Sql;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>
/// The second implementation of admission and views: plain tables and objects over the log, obvious before fast. It
/// shares the log reader and the SQL parser with the engine and nothing else, so that the two agree only where both are right.
/// Without clock, and deterministic: partitions are counted beside each other and merged in their order.
/// </summary>
public static class RecountRun
{
    private const int Attempts = 3;

    /// <summary>Counts a view's stream up to a position: from the start of its log, or from the bases where retention has cut it.</summary>
    /// <exception cref="SqlException">The query is none. Retrying cannot help.</exception>
    /// <exception cref="WeirException">
    /// <see cref="ErrorCode.UnknownStream"/>, <see cref="ErrorCode.InvalidPosition"/>; <see cref="ErrorCode.LogDamaged"/>: the log or a base cannot be read,
    /// with file and offset; <see cref="ErrorCode.RecountMismatch"/>: a record lies under a key that is not its event's. Retrying cannot help.
    /// </exception>
    public static RecountResult Run(RecountRequest request, CancellationToken cancellation = default)
    {
        ViewShape shape = ViewQuery.Parse(request.Sql).Check();
        string directory = DirectoryOf(request, shape.Query.From);
        int partitions = request.Disk.List(directory).Count(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        if (!Position.TryParse(request.Position, shape.Query.From, partitions, out Position? position))
        {
            throw new WeirException(ErrorCode.InvalidPosition, $"{request.Position} is no position of the stream {shape.Query.From}, which has {partitions} partitions.");
        }

        var meter = new RecountMeter(request.Progress);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return Run(request, shape, directory, position, meter, cancellation);
            }
            catch (DiskException gone) when (gone.Errno == DiskException.NoEntry && attempt < Attempts)
            {
                // Retention has deleted a segment before it was read: there is a later base to begin with.
            }
        }
    }

    private static RecountResult Run(RecountRequest request, ViewShape shape, string directory, Position position, RecountMeter meter, CancellationToken cancellation)
    {
        var logs = new List<PartitionStart>();
        try
        {
            for (int partition = 0; partition < position.Ends.Length; partition++)
            {
                logs.Add(PartitionStart.Open(request.Disk, Path.Combine(directory, partition.ToString(CultureInfo.InvariantCulture)), position.Ends[partition]));
            }

            var run = new ParallelRecount(request, shape, position, logs, meter);
            run.Run(cancellation);
            long[] since = [.. logs.Select(log => log.Offset)];
            return new RecountResult(
                position,
                since.Any(start => start > 0) ? new Position(shape.Query.From, since) : null,
                run.Verdicts,
                run.Total.Errors,
                [.. shape.Columns.Select(column => column.Name)],
                shape.KeyColumns,
                ViewRows.Of(shape, run.Total));
        }
        finally
        {
            logs.ForEach(log => log.Dispose());
        }
    }

    private static string DirectoryOf(RecountRequest request, string stream)
    {
        string streams = Path.Combine(request.DataDirectory, "streams");
        string[] found = [.. request.Disk.List(streams).Where(name => name.Length == stream.Length + 9 && name.StartsWith(stream + "-", StringComparison.Ordinal))];
        if (found.Length > 1)
        {
            // A directory without a definition is what a creation left that did not finish.
            found = [.. found.Where(name => request.Disk.FileExists(Path.Combine(streams, name, "definition.json")))];
        }

        return found switch
        {
            [string name] => Path.Combine(streams, name),
            [] => throw new WeirException(ErrorCode.UnknownStream, $"{streams} has no stream called {stream}."),
            _ => throw new WeirException(ErrorCode.NotADataDirectory, $"{streams} has several streams called {stream}: {string.Join(", ", found)}."),
        };
    }
}
