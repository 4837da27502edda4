using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Storage;

namespace Weir.Recount.Tests;

/// <summary>A stream's log in a directory of its own, written record by record as the engine would.</summary>
internal sealed class TestStream : IDisposable
{
    private readonly LinuxDisk _disk = LinuxDisk.Instance;
    private readonly PartitionLog[] _logs;
    private readonly RecordBatchWriter _writer = new();
    private readonly string _name;
    private long _time = 1_700_000_000_000;

    public TestStream(string definition, int partitions = 1, string name = "votes", LogOptions? options = null)
    {
        _name = name;
        Data = Directory.CreateTempSubdirectory("weir-recount-").FullName;
        var id = new Guid("0f8fad5b-d9cb-469f-a165-70867728950e");
        _logs = new PartitionLog[partitions];
        for (int i = 0; i < partitions; i++)
        {
            string directory = Path.Combine(Data, "streams", $"{name}-0f8fad5b", i.ToString(CultureInfo.InvariantCulture));
            _logs[i] = PartitionLog.Open(_disk, directory, new LogIdentity(id, i), options ?? new LogOptions(), out _);
            Mark(MarkerType.Define, DefineMarker(definition), i);
        }
    }

    public string Data { get; }

    public string Position => _name + ":" + string.Join(',', _logs.Select((log, i) => string.Create(CultureInfo.InvariantCulture, $"{i}={log.LogEnd}")));

    public static string DefineMarker(string definition) =>
        $"{{\"version\":1,\"definition\":{definition},\"secret\":\"000102030405060708090a0b0c0d0e0f\"}}";

    public void Mark(MarkerType type, string json, int partition = 0)
    {
        Span<byte> batch = Marker.Write(_writer, type, Encoding.UTF8.GetBytes(json), _time);
        Append(partition, batch, count: 1);
    }

    public void Open(int partition = 0) => Mark(MarkerType.Open, "{\"version\":1,\"at\":0,\"reopened\":false,\"reason\":\"declared\"}", partition);

    public void Close(int partition = 0) => Mark(MarkerType.Close, "{\"version\":1,\"at\":0,\"reason\":\"requested\"}", partition);

    /// <summary>Appends one event in a batch of its own, a millisecond after the one before.</summary>
    public void Add(string? key, string value, int partition = 0, params (string Name, string Value)[] headers) =>
        Add(key, Encoding.UTF8.GetBytes(value), partition, headers);

    public void Add(string? key, byte[] value, int partition = 0, params (string Name, string Value)[] headers) => AddBatch(partition, (key, value, headers));

    /// <summary>Appends events in one batch, so they have one append time.</summary>
    public void AddBatch(int partition, params IEnumerable<(string? Key, byte[] Value, (string Name, string Value)[] Headers)> events)
    {
        _writer.Begin(_time);
        foreach ((string? key, byte[] value, (string, string)[] headers) in events)
        {
            _writer.Append(key is not null, Encoding.UTF8.GetBytes(key ?? ""), value, Wire(headers), headers.Length);
        }

        Append(partition, _writer.Finish(), _writer.RecordCount);
    }

    /// <summary>Sets the append time of what comes next.</summary>
    public void At(long epochMs) => _time = epochMs;

    public RecountResult Recount(string sql, string? position = null, long ownerMemoryBytes = 8L << 20, int keepWindows = 10_000, int threads = 2)
    {
        foreach (PartitionLog log in _logs)
        {
            log.Write();
            log.Flush();
        }

        return RecountRun.Run(new RecountRequest
        {
            Disk = _disk,
            DataDirectory = Data,
            Sql = sql,
            Position = position ?? Position,
            OwnerMemoryBytes = ownerMemoryBytes,
            Threads = threads,
            KeepWindows = keepWindows,
        });
    }

    /// <summary>Verdicts in the order counted, duplicate, replaced, taken, closed, invalid.</summary>
    public string Verdicts(long ownerMemoryBytes = 8L << 20)
    {
        RecountVerdicts v = Recount($"SELECT count(*) FROM {_name}", ownerMemoryBytes: ownerMemoryBytes).Verdicts;
        Assert.Equal(v.Events, v.Counted + v.Duplicate + v.Replaced + v.Taken + v.Closed + v.Invalid);
        return string.Create(CultureInfo.InvariantCulture, $"{v.Counted} {v.Duplicate} {v.Replaced} {v.Taken} {v.Closed} {v.Invalid}");
    }

    public string[] Rows(string sql, int keepWindows = 10_000) => [.. Recount(sql, keepWindows: keepWindows).JsonRows()];

    public void Dispose()
    {
        foreach (PartitionLog log in _logs)
        {
            log.Dispose();
        }

        Directory.Delete(Data, recursive: true);
    }

    private void Append(int partition, Span<byte> batch, int count)
    {
        _logs[partition].Append(batch, count, _time++);
        _logs[partition].Write();
    }

    internal static byte[] Wire((string Name, string Value)[] headers)
    {
        var bytes = new List<byte>();
        Span<byte> length = stackalloc byte[Varint.MaxBytes];
        foreach ((string name, string value) in headers)
        {
            foreach (byte[] part in (byte[][])[Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value)])
            {
                bytes.AddRange(length[..Varint.Write(length, part.Length)]);
                bytes.AddRange(part);
            }
        }

        return [.. bytes];
    }
}
