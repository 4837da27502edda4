namespace Weir.CrashTests;

/// <summary>The whole logs of the workload's streams, read over HTTP.</summary>
internal sealed class Logs
{
    private readonly Dictionary<(string Stream, int Partition), List<LoggedRecord>> _partitions = [];

    public IReadOnlyList<LoggedRecord> Of(string stream, int partition) => _partitions[(stream, partition)];

    /// <summary>All records of a stream that are events, partition by partition in offset order.</summary>
    public IEnumerable<(int Partition, LoggedRecord Record)> EventsOf(string stream) =>
        _partitions.Where(log => log.Key.Stream == stream).OrderBy(log => log.Key.Partition)
            .SelectMany(log => log.Value.Where(record => record.Verdict is not null).Select(record => (log.Key.Partition, record)));

    public IEnumerable<((string Stream, int Partition) Place, IReadOnlyList<LoggedRecord> Records)> All =>
        _partitions.Select(log => (log.Key, (IReadOnlyList<LoggedRecord>)log.Value));

    public static async Task<Logs> ReadAsync(ServerApi api)
    {
        var logs = new Logs();
        foreach (string stream in Workload.Streams)
        {
            for (int partition = 0; partition < Workload.Partitions; partition++)
            {
                logs._partitions[(stream, partition)] = await api.ReadLogAsync(stream, partition);
            }
        }

        return logs;
    }
}
