namespace Weir.Engine.Tests.Views;

/// <summary>The frame that goes out when nothing changed, so that subscribers can tell quiet from cut off.</summary>
public sealed class BeatTests
{
    private readonly ViewLog _log = new("SELECT choice, count(*) AS votes FROM s GROUP BY choice");

    [Fact]
    public void A_second_without_change_gives_one_frame_without_rows_at_the_same_position()
    {
        LiveClient client = Subscriber();
        string before = client.Rows();

        Merge(nowMs: 10_999);
        client.Read();
        Assert.Equal(1, client.Frames);

        Merge(nowMs: 11_000);
        Merge(nowMs: 11_100);
        client.Read();
        Assert.Equal(2, client.Frames);
        Assert.Equal("s:0=1", client.Last.Position.ToString());
        Assert.Equal("1;s:0=1", client.Last.Id);
        Assert.Equal(before, client.Rows());
    }

    [Fact]
    public void A_change_begins_the_second_anew()
    {
        LiveClient client = Subscriber();
        Add(nowMs: 10_900);
        Merge(nowMs: 11_800);
        client.Read();
        Assert.Equal(2, client.Frames);
    }

    [Fact]
    public void A_final_view_is_silent()
    {
        LiveClient client = Subscriber();
        _log.Model.Merge([], isFinal: true, nowMs: 10_100);
        _log.Model.Merge([], isFinal: true, nowMs: 20_000);
        client.Read();
        Assert.Equal(2, client.Frames);
        Assert.True(client.Last.IsFinal);
    }

    [Fact]
    public void A_clock_that_is_set_back_does_not_silence_the_view()
    {
        LiveClient client = Subscriber();
        Merge(nowMs: 4_000);
        client.Read();
        Assert.Equal(2, client.Frames);
    }

    /// <summary>One that has read the snapshot of one vote, published at 10 s.</summary>
    private LiveClient Subscriber()
    {
        Add(nowMs: 10_000);
        var client = new LiveClient(_log.Model);
        client.Read();
        return client;
    }

    private void Add(long nowMs)
    {
        _log.Append("""{"choice":"a"}""");
        _log.Model.Merge([_log[0].CollectChanges()], isFinal: false, nowMs);
    }

    private void Merge(long nowMs) => _log.Model.Merge([], isFinal: false, nowMs);
}
