using Weir.Core;

namespace Weir.Core.Tests;

public sealed class PositionTests
{
    [Fact]
    public void The_written_form_reads_back()
    {
        var position = new Position("votes", [1841, 1790, 0, long.MaxValue]);
        Assert.Equal("votes:0=1841,1=1790,2=0,3=9223372036854775807", position.ToString());
        Assert.True(Position.TryParse(position.ToString(), "votes", partitions: 4, out Position? read));
        Assert.Equal(position, read);
    }

    [Theory]
    [InlineData("votes:1=5,0=7", "votes:0=7,1=5")]
    [InlineData("votes:1=5", "votes:0=0,1=5")]
    [InlineData("votes:0=0", "votes:0=0,1=0")]
    public void Partitions_may_come_in_any_order_or_be_left_out(string text, string expected)
    {
        Assert.True(Position.TryParse(text, "votes", partitions: 2, out Position? position));
        Assert.Equal(expected, position.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("votes")]
    [InlineData("votes:")]
    [InlineData("vote:0=1")]
    [InlineData("votes:0")]
    [InlineData("votes:0=")]
    [InlineData("votes:=1")]
    [InlineData("votes:0=-1")]
    [InlineData("votes:-0=1")]
    [InlineData("votes:0= 1")]
    [InlineData("votes:0=+1")]
    [InlineData("votes:0=1,")]
    [InlineData("votes:0=1,0=2")]
    [InlineData("votes:2=1")]
    [InlineData("votes:0=9223372036854775808")]
    [InlineData("votes:0=1.0")]
    public void What_is_not_a_position_of_the_stream_is_not_read(string text) =>
        Assert.False(Position.TryParse(text, "votes", partitions: 2, out _));

    [Theory]
    [InlineData("votes:0=5,1=5", "votes:0=5,1=5", true)]
    [InlineData("votes:0=5,1=5", "votes:0=4,1=5", true)]
    [InlineData("votes:0=5,1=5", "votes:0=6,1=0", false)]
    [InlineData("votes:0=5,1=5", "votes:0=0,1=6", false)]
    public void A_position_covers_another_partition_by_partition(string left, string right, bool covers)
    {
        Assert.True(Position.TryParse(left, "votes", partitions: 2, out Position? one));
        Assert.True(Position.TryParse(right, "votes", partitions: 2, out Position? other));
        Assert.Equal(covers, one.Covers(other));
        Assert.False(one.Covers(new Position("likes", [0, 0])));
        Assert.False(one.Covers(new Position("votes", [0])));
    }
}
