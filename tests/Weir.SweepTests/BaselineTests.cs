using System.Globalization;

namespace Weir.SweepTests;

public sealed class BaselineTests
{
    [Fact]
    public async Task The_undamaged_store_shows_what_its_senders_were_told()
    {
        SmallStore store = await SmallStore.MakeAsync();
        foreach (IReadOnlyDictionary<string, byte[]> files in (IReadOnlyDictionary<string, byte[]>[])[store.Stopped, store.Crashed])
        {
            StoreReading reading = await StoreReading.ReadAsync(SmallStore.DiskOf(files), []);
            Assert.Empty(reading.Unreadable);
            Assert.All(reading.Partitions.Values, partition => Assert.Equal(Engine.PartitionState.Serving, partition.Status.State));
            foreach (SentEvent sent in store.Sent.Where(sent => sent.Verdict != Core.Verdict.Duplicate))
            {
                PartitionReading partition = reading.Partitions[(sent.Stream, sent.Partition)];
                if (sent.Offset >= partition.Status.LogStart)
                {
                    Assert.Contains(sent.Value, partition.Events[sent.Offset].Content, StringComparison.Ordinal);
                    Assert.StartsWith(sent.Verdict.ToString(), partition.Events[sent.Offset].Verdict, StringComparison.Ordinal);
                }
            }
        }

        foreach (string kind in (string[])[".log", ".index", ".verdicts", ".keys", ".snapshot", ".base", ".base2", "definition.json", "format", "view-version"])
        {
            Assert.Contains(store.Stopped.Keys, path => path.EndsWith(kind, StringComparison.Ordinal));
        }

        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', store.Stopped.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => string.Create(CultureInfo.InvariantCulture, $"{file.Value.Length,7} {file.Key}"))));
    }
}
