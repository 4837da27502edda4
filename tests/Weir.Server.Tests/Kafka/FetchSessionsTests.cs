using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Kafka;
using Weir.TestKit;

namespace Weir.Server.Tests.Kafka;

public sealed class FetchSessionsTests
{
    private readonly FetchSessions _sessions = new(new FakeTime());

    [Fact]
    public void A_request_for_too_many_partitions_stands_for_itself_and_a_session_that_grows_too_large_ends()
    {
        Assert.Equal(KafkaError.None, _sessions.Take(Request(0, epoch: 0, 0, FetchSession.MostPartitions + 1), out FetchSession? none));
        Assert.Null(none);

        Assert.Equal(KafkaError.None, _sessions.Take(Request(0, epoch: 0, 0, FetchSession.MostPartitions), out FetchSession? full));
        _sessions.Release(full!);
        Assert.Equal(KafkaError.None, _sessions.Take(Request(full!.Id, epoch: 1, 5, count: 10), out FetchSession? same));
        Assert.Equal(FetchSession.MostPartitions, same!.Partitions.Count);
        _sessions.Release(same);
        Assert.Equal(KafkaError.FetchSessionIdNotFound, _sessions.Take(Request(full.Id, epoch: 2, FetchSession.MostPartitions, count: 1), out _));
        Assert.Equal(KafkaError.FetchSessionIdNotFound, _sessions.Take(Request(full.Id, epoch: 3, 0, count: 0), out _));
    }

    [Fact]
    public void What_was_served_goes_to_the_end_and_what_is_forgotten_goes()
    {
        _sessions.Take(Request(0, epoch: 0, 0, count: 6), out FetchSession? session);
        session!.MoveToEnd([session.Partitions[1], session.Partitions[3]]);
        Assert.Equal([0, 2, 4, 5, 1, 3], session.Partitions.Select(one => one.Partition));
        _sessions.Release(session);

        FetchRequest request = Request(session.Id, epoch: 1, 2, count: 1);
        request.Topics[0].Partitions[0].FetchOffset = 77;
        request.ForgottenTopicsData = [new() { Topic = "t", Partitions = [4, 1, 99] }];
        _sessions.Take(request, out session);

        Assert.Equal([0, 2, 5, 3], session!.Partitions.Select(one => one.Partition));
        Assert.Equal([0, 77, 0, 0], session.Partitions.Select(one => one.Offset));
    }

    private static FetchRequest Request(int session, int epoch, int firstPartition, int count) => new()
    {
        SessionId = session,
        SessionEpoch = epoch,
        Topics = count == 0 ? [] : [new() { Topic = "t", Partitions = [.. Enumerable.Range(firstPartition, count).Select(partition => new FetchRequest.FetchPartition { Partition = partition })] }],
    };
}
