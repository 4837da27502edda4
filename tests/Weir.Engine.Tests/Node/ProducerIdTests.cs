using Weir.Core;

namespace Weir.Engine.Tests.Node;

public sealed class ProducerIdTests
{
    [Fact]
    public async Task No_id_is_given_out_twice_over_blocks_and_starts()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        HashSet<long> given = [];
        foreach (int count in new[] { 3, 1500, 1 })
        {
            for (int i = 0; i < count; i++)
            {
                Assert.True(given.Add(fixture.Node.NextProducerId()));
            }

            await fixture.RestartAsync();
        }

        Assert.Equal(1000 + 2000, given.Max());
    }

    [Fact]
    public async Task The_block_is_on_disk_before_its_first_id_is_given_out()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        string file = Path.Combine(fixture.Directory, "producers");

        Assert.False(File.Exists(file));
        Assert.Equal(0, fixture.Node.NextProducerId());
        Assert.StartsWith("1000 ", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_that_logs_have_seen_are_not_given_out_again_when_the_file_is_an_older_copy()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1}""");
        long producer = fixture.Node.NextProducerId();
        await stream.ProduceAsync(KafkaBatch.Values("{}").From(producer, sequence: 0));
        File.Delete(Path.Combine(fixture.Directory, "producers"));

        await fixture.RestartAsync();

        Assert.Equal(producer + 1, fixture.Node.NextProducerId());
    }

    [Fact]
    public async Task A_damaged_file_keeps_the_node_from_starting()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        fixture.Node.NextProducerId();
        string file = Path.Combine(fixture.Directory, "producers");
        await File.WriteAllTextAsync(file, "2000 deadbeef\n", TestContext.Current.CancellationToken);

        WeirException failure = await Assert.ThrowsAsync<WeirException>(fixture.RestartAsync);

        Assert.Equal(ErrorCode.NotADataDirectory, failure.Code);
        File.Delete(file);
    }
}
