using System.Globalization;
using Weir.Core;
using Weir.Sql;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>
/// The second implementation of admission and views: plain dictionaries and objects over the log, slow but obvious. It
/// shares the log reader and the SQL parser with the engine and nothing else, so that the two agree only where both are right.
/// Deterministic and without clock; one thread.
/// </summary>
public static class RecountRun
{
    /// <summary>Counts a view's stream from the start of its log up to a position.</summary>
    /// <exception cref="SqlException">The query is none. Retrying cannot help.</exception>
    /// <exception cref="WeirException">
    /// <see cref="ErrorCode.UnknownStream"/>, <see cref="ErrorCode.InvalidPosition"/>; <see cref="ErrorCode.LogDamaged"/>: the log cannot be read,
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

        var total = new ViewTally(shape, request.KeepWindows);
        RecountVerdicts verdicts = default;
        long toCome = 0;
        foreach (long end in position.Ends)
        {
            toCome += end;
        }

        long passedOver = 0;
        for (int partition = 0; partition < partitions; partition++)
        {
            long end = position.Ends[partition];
            toCome -= end;
            using PartitionLog log = Open(request, Path.Combine(directory, partition.ToString(CultureInfo.InvariantCulture)), end);
            var recount = new PartitionRecount(request, shape, log, partition, end, passedOver, toCome, cancellation);
            recount.Run();
            passedOver += recount.PassedOver;
            verdicts = verdicts.Plus(recount.Verdicts);
            total.Merge(recount.Tally);
        }

        return new RecountResult(position, verdicts, total.Errors, [.. shape.Columns.Select(column => column.Name)], shape.KeyColumns, ViewRows.Of(shape, total));
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

    private static PartitionLog Open(RecountRequest request, string directory, long end)
    {
        PartitionLog log = PartitionLog.OpenReadOnly(request.Disk, directory, new Offset(end), new LogOptions());
        if (log.LogStart > Offset.Zero)
        {
            throw new WeirException(ErrorCode.InvalidPosition, $"The log in {directory} begins at offset {log.LogStart}, where retention has cut it: a recount needs all of it.");
        }

        return log;
    }
}
