using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.SweepTests;

/// <summary>Everything that a user can read from a store, and everything that it says of itself, after one opening with the real engine.</summary>
internal sealed class StoreReading
{
    // Nothing but a defect takes this long: a store has a few hundred records.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // A view over a damaged partition stays where it is, at times before the damage: what it shows is judged by the position that it names.
    private static readonly TimeSpan LittlePatience = TimeSpan.FromMilliseconds(100);

    /// <summary>Why the node did not start; null when it did.</summary>
    public string? Refused { get; private set; }

    public Dictionary<(string Stream, int Partition), PartitionReading> Partitions { get; } = [];

    public Dictionary<string, ViewReading> Views { get; } = [];

    /// <summary>A stream's definition with its version.</summary>
    public Dictionary<string, string> Definitions { get; } = [];

    /// <summary>Streams and views that are left out, with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unreadable { get; private set; } = new Dictionary<string, string>();

    /// <summary>What the node told its operator.</summary>
    public List<(EngineEvent Kind, string Text)> Reports { get; } = [];

    /// <summary>Opens, reads, stops.</summary>
    /// <param name="owners">Whose receipts are looked for.</param>
    public static async Task<StoreReading> ReadAsync(SimulatedDisk disk, IReadOnlyList<string> owners)
    {
        var reading = new StoreReading();
        WeirNode node = SmallStore.Open(disk, (kind, text) =>
        {
            lock (reading.Reports)
            {
                reading.Reports.Add((kind, text));
            }
        });
        try
        {
            await node.StartAsync();
            reading.Unreadable = node.Unreadable;
            foreach (EventStream stream in node.Streams)
            {
                reading.Read(stream, owners);
            }

            foreach (View view in node.Views)
            {
                await reading.ReadAsync(view);
            }
        }
        catch (WeirException refusal) when (node.State == NodeState.Recovering)
        {
            reading.Refused = refusal.Message;
        }
        finally
        {
            await node.StopAsync();
        }

        Assert.NotEqual(NodeState.Failed, node.State);
        return reading;
    }

    private void Read(EventStream stream, IReadOnlyList<string> owners)
    {
        Definitions[stream.Name] = stream.DefinitionVersion + " " + Encoding.UTF8.GetString(stream.Definition.ToJson());
        for (int partition = 0; partition < stream.PartitionCount; partition++)
        {
            PartitionStatus status = stream.Partitions[partition];
            var read = new PartitionReading(status);
            Partitions[(stream.Name, partition)] = read;
            if (status.State != PartitionState.Stopped)
            {
                ReadEvents(stream, partition, read);
            }
        }

        foreach (string owner in owners)
        {
            int partition = Partitioner.PartitionOf(stream.Definition.Partitioner, Encoding.UTF8.GetBytes(owner), stream.PartitionCount);
            PartitionReading read = Partitions[(stream.Name, partition)];
            try
            {
                read.Receipts[owner] = string.Join(' ', stream.FindReceipts(Encoding.UTF8.GetBytes(owner), ReceiptBy.Owner, 100).Select(one => one.Offset));
            }
            catch (WeirException named)
            {
                read.Receipts[owner] = null;
                read.Named.Add(named.Message);
            }
        }
    }

    private static void ReadEvents(EventStream stream, int partition, PartitionReading read)
    {
        read.Named.UnionWith(stream.PartitionList[partition].Recovery?.Damage.Select(range => range.ToString()) ?? []);
        read.Ranges.AddRange(stream.PartitionList[partition].Recovery?.Damage.Select(range => (range.Start.Value, range.End?.Value ?? long.MaxValue)) ?? []);
        long offset = read.Status.LogStart;
        while (offset < read.Status.FlushedEnd)
        {
            try
            {
                IReadOnlyList<StoredEvent> events = stream.ReadEvents(partition, offset, 1000);
                if (events.Count == 0)
                {
                    return;
                }

                foreach (StoredEvent one in events)
                {
                    read.Events[one.Offset] = EventReading.Of(one);
                }

                offset = events[^1].Offset + 1;
            }
            catch (LogDamagedException damage)
            {
                // One step at a time: whatever is intact behind the damage is to be read.
                read.Named.Add(damage.Message);
                read.Lost.Add(offset);
                offset++;
            }
        }
    }

    private async Task ReadAsync(View view)
    {
        if (view.Stream.Partitions.Any(partition => partition.State == PartitionState.Stopped))
        {
            Views[view.Name] = new ViewReading(view.Definition.Sql, null, "", 0, view.WaitsFor ?? view.Failure);
            return;
        }

        var position = new Position(view.Stream.Name, [.. view.Stream.PartitionList.Select(partition => partition.DecidedEnd)]);
        bool isWhole = view.Stream.Partitions.All(partition => partition.State == PartitionState.Serving);
        bool isThere = await view.Model.WaitForAsync(position, isWhole ? Patience : LittlePatience, TimeProvider.System, CancellationToken.None);
        Assert.True(isThere || !isWhole || view.State == ViewState.Failed, $"The view {view.Name} is {view.State} at {view.Model.Position} and not at {position}.");
        ViewPage page = view.Model.Query(new ViewRequest());
        Views[view.Name] = new ViewReading(
            view.Version + " " + view.Definition.Sql,
            [.. page.Position.Ends],
            Encoding.UTF8.GetString(page.Rows.Span),
            page.ErrorCount,
            view.Failure ?? (view.Model.Since is { } since ? "since " + since : null));
    }
}

/// <summary>What could be read of one partition.</summary>
internal sealed class PartitionReading(PartitionStatus status)
{
    public PartitionStatus Status { get; } = status;

    public SortedDictionary<long, EventReading> Events { get; } = [];

    /// <summary>Offsets at which a read said that the record is damaged.</summary>
    public HashSet<long> Lost { get; } = [];

    /// <summary>Offsets that the opening named, ends exclusive.</summary>
    public List<(long Start, long End)> Ranges { get; } = [];

    /// <summary>What was said of damage.</summary>
    public HashSet<string> Named { get; } = [];

    /// <summary>Offsets of an owner's events; null: the answer was an error that says so.</summary>
    public Dictionary<string, string?> Receipts { get; } = [];
}

/// <summary>A record as it is served.</summary>
/// <param name="IsDecided">False: the verdict is not known, and is not served.</param>
internal sealed record EventReading(string Content, bool IsDecided, string Verdict)
{
    public static EventReading Of(StoredEvent one) => new(
        $"{one.AppendTimeMs} {one.Marker} {(one.Key is null ? "-" : Encoding.UTF8.GetString(one.Key))} {Encoding.UTF8.GetString(one.Value)} {string.Join(',', one.Headers)}",
        one.Marker is not null || one.Verdict != Core.Verdict.None,
        $"{one.Verdict} {one.Reason} {one.ReplacedOffset}");
}

/// <summary>A view's answer.</summary>
/// <param name="Ends">Its position; null: it shows nothing.</param>
internal sealed record ViewReading(string Definition, long[]? Ends, string Rows, long Errors, string? Says);
