using System.Text;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine.Tests.Views;

/// <summary>A view and the partitions it counts: feeds JSON events through the real extraction into <see cref="PartialView"/>s.</summary>
internal sealed class ViewLog
{
    private readonly StreamPlan _stream;
    private readonly EventScratch _scratch = new();
    private readonly List<PartialView> _partials = [];
    private readonly List<long> _ends = [];

    public ViewLog(string sql, int partitions = 1, int maxGroups = ViewLimits.DefaultMaxGroups, int keep = ViewLimits.DefaultKeepWindows, bool keepsLast = false)
    {
        Definition = new ViewDefinition(sql, maxGroups, keep);
        ViewShape shape = ViewQuery.Parse(sql).Check();
        _stream = StreamPlan.For(new StreamDefinition { Partitions = partitions, Delivery = Delivery.AtLeastOnce }, default, ColumnSet.Empty.With(shape.RecordColumns));
        Plan = ViewPlan.Compile(Definition, shape, _stream.Columns, keepsLast);
        for (int partition = 0; partition < partitions; partition++)
        {
            _partials.Add(new PartialView(Plan, partition, hashSeed: 7));
            _ends.Add(0);
        }

        Model = new ReadModel("v", version: 1, Plan, "s", partitions);
    }

    public ViewDefinition Definition { get; }

    public ViewPlan Plan { get; }

    public ReadModel Model { get; set; }

    public PartialView this[int partition]
    {
        get => _partials[partition];
        set => _partials[partition] = value;
    }

    public long EndOf(int partition) => _ends[partition];

    /// <summary>The next batch of a partition, columns extracted, not applied.</summary>
    public ColumnBatch Batch(int partition, long timeMs, params ReadOnlySpan<string> events)
    {
        RecordBatchWriter writer = new();
        writer.Begin(timeMs);
        foreach (string json in events)
        {
            writer.Append(hasKey: false, default, Encoding.UTF8.GetBytes(json));
        }

        return Extract(writer, partition, timeMs);
    }

    public ColumnBatch Extract(RecordBatchWriter writer, int partition, long timeMs)
    {
        ColumnBatch batch = new();
        _stream.Extract(writer.Finish().ToArray(), batch, _scratch);
        batch.BaseOffset = _ends[partition];
        batch.AppendTimeMs = timeMs;
        batch.Partition = partition;
        _ends[partition] += batch.RecordCount;
        return batch;
    }

    /// <summary>Appends events to a partition, all counted.</summary>
    public void Append(int partition, long timeMs, params ReadOnlySpan<string> events)
    {
        ColumnBatch batch = Batch(partition, timeMs, events);
        byte[] verdicts = new byte[batch.RecordCount];
        Array.Fill(verdicts, (byte)Verdict.Counted);
        _partials[partition].Apply(batch, verdicts);
    }

    public void Append(params ReadOnlySpan<string> events) => Append(0, 1_000, events);

    /// <summary>A partition's section of a snapshot.</summary>
    public static byte[] SectionOf(PartialView partial)
    {
        partial.BeginCopy();
        return RestOf(partial);
    }

    /// <summary>What is left of a copy under way.</summary>
    public static byte[] RestOf(PartialView partial)
    {
        MemoryStream section = new();
        while (partial.CopyNext(pieceBytes: 64) is { } piece)
        {
            section.Write(piece);
        }

        return section.ToArray();
    }

    /// <summary>Merges what changed in all partitions.</summary>
    public void Publish(bool isFinal = false) => Model.Merge([.. _partials.Select(partial => partial.CollectChanges())], isFinal, nowMs: 0);

    /// <summary>The rows as a JSON array, after publishing.</summary>
    public string Rows()
    {
        Publish();
        return RowsOf(Model);
    }

    public static string RowsOf(ReadModel model) => Encoding.UTF8.GetString(model.Query(new ViewRequest { Limit = ViewRequest.MaxLimit }).Rows.Span);
}
