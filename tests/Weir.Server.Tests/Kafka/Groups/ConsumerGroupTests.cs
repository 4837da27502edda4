using System.Text;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Kafka.Groups;
using Weir.TestKit;

namespace Weir.Server.Tests.Kafka.Groups;

/// <summary>The group protocol as a table of moves, on a clock that a test turns.</summary>
public sealed class ConsumerGroupTests
{
    private readonly FakeTime _time = new();
    private readonly GroupCoordinator _groups;

    public ConsumerGroupTests() => _groups = new GroupCoordinator(_time);

    [Fact]
    public void Members_that_join_within_the_first_delay_are_one_generation_and_the_leader_assigns()
    {
        Member a = Join("a"), b = Join("b"), c = Join("c");
        Assert.All([a, b, c], member => Assert.False(member.Joining.IsCompleted));

        Pass(ConsumerGroup.InitialDelay);

        Assert.All([a, b, c], member => Assert.Equal((KafkaError.None, 1, "range", a.Id), (member.Joined.ErrorCode, member.Joined.GenerationId, member.Joined.ProtocolName, member.Joined.Leader)));
        Assert.Equal([a.Id, b.Id, c.Id], a.Joined.Members.Select(member => member.MemberId));
        Assert.Equal("meta b", Encoding.UTF8.GetString(a.Joined.Members[1].Metadata));
        Assert.Empty(b.Joined.Members);
        Task<SyncGroupResponse> waiting = Sync(b);
        Assert.False(waiting.IsCompleted);
        Sync(a, (a, "one"), (b, "two"));
        Assert.Equal("two", Encoding.UTF8.GetString(waiting.Now().Assignment));
        Assert.Equal("", Encoding.UTF8.GetString(Sync(c).Now().Assignment));
        Assert.Equal((KafkaError.None, GroupState.Stable), (Beat(c), Group.State));
    }

    [Fact]
    public void A_member_that_is_not_heard_of_is_taken_for_dead_and_the_others_join_anew()
    {
        (Member a, Member b) = Pair();
        Pass(TimeSpan.FromSeconds(6), a);

        Assert.Equal(KafkaError.RebalanceInProgress, Beat(a));
        Assert.Equal(KafkaError.UnknownMemberId, Beat(b));
        Member again = Rejoin(a);
        Assert.Equal((2, a.Id), (again.Joined.GenerationId, Assert.Single(again.Joined.Members).MemberId));
    }

    [Fact]
    public void Who_does_not_join_anew_within_the_rebalance_timeout_is_left_behind()
    {
        (Member a, Member b) = Pair();
        Member c = Join("c");
        Member again = Rejoin(a);
        for (int second = 0; second < 9; second++)
        {
            Pass(TimeSpan.FromSeconds(1));
            Beat(b);
            Assert.False(again.Joining.IsCompleted);
        }

        Pass(TimeSpan.FromSeconds(1.1));

        Assert.Equal((2, 2), (again.Joined.GenerationId, again.Joined.Members.Count));
        Assert.Equal(2, c.Joined.GenerationId);
        Assert.Equal(KafkaError.UnknownMemberId, Beat(b));
    }

    [Fact]
    public void A_leader_that_never_assigns_loses_the_lead()
    {
        Member a = Join("a"), b = Join("b");
        Pass(ConsumerGroup.InitialDelay);
        Task<SyncGroupResponse> waiting = Sync(b);
        Pass(TimeSpan.FromSeconds(10.1), b);

        Assert.Equal(KafkaError.RebalanceInProgress, waiting.Now().ErrorCode);
        Assert.Equal(KafkaError.UnknownMemberId, Beat(a));
        Assert.Equal(b.Id, Rejoin(b).Joined.Leader);
    }

    [Fact]
    public void Fences_hold()
    {
        (Member a, _) = Pair();

        Assert.Equal(KafkaError.IllegalGeneration, Group.Heartbeat(a.Id, null, 2));
        Assert.Equal(KafkaError.UnknownMemberId, Group.Heartbeat("nobody", null, 1));
        Assert.Equal(KafkaError.IllegalGeneration, Group.CheckCommit(a.Id, null, 0));
        Assert.Equal(KafkaError.UnknownMemberId, Group.CheckCommit("", null, -1));
        Assert.Equal(KafkaError.None, Group.CheckCommit(a.Id, null, 1));
        Assert.Equal(KafkaError.None, _groups.FindOrVacant("other").CheckCommit("", null, -1));
        Assert.Equal(KafkaError.UnknownMemberId, Group.JoinAsync(Request("x", "nobody"), false, false, "x", "").Now().ErrorCode);
        Assert.Equal(KafkaError.InconsistentGroupProtocol, Group.JoinAsync(Request("x", protocol: "other"), false, false, "x", "").Now().ErrorCode);
    }

    [Fact]
    public void A_dynamic_member_of_today_comes_back_with_the_id_that_it_is_given()
    {
        JoinGroupResponse told = _groups.JoinAsync(Request("a"), version: 5, "a", "").Now();
        Assert.Equal(KafkaError.MemberIdRequired, told.ErrorCode);

        Task<JoinGroupResponse> joining = _groups.JoinAsync(Request("a", told.MemberId), version: 5, "a", "");
        Pass(ConsumerGroup.InitialDelay);

        Assert.Equal((KafkaError.None, told.MemberId), (joining.Now().ErrorCode, joining.Now().MemberId));
        JoinGroupResponse forgotten = _groups.JoinAsync(Request("b"), version: 5, "b", "").Now();
        Pass(TimeSpan.FromSeconds(5.1));
        Assert.Equal(KafkaError.UnknownMemberId, _groups.JoinAsync(Request("b", forgotten.MemberId), version: 5, "b", "").Now().ErrorCode);
    }

    [Fact]
    public void A_static_member_that_is_started_anew_keeps_its_place_and_fences_its_former_self()
    {
        Member a = Join("a"), s = Join("s", instance: "i1");
        Pass(ConsumerGroup.InitialDelay);
        Sync(a, (a, "one"), (s, "two"));

        Member again = Join("s", instance: "i1");

        Assert.True(again.Joining.IsCompleted);
        Assert.Equal((1, GroupState.Stable), (again.Joined.GenerationId, Group.State));
        Assert.NotEqual(s.Id, again.Id);
        Assert.Equal("two", Encoding.UTF8.GetString(Sync(again, "i1").Now().Assignment));
        Assert.Equal(KafkaError.FencedInstanceId, Group.Heartbeat(s.Id, "i1", 1));
        Assert.Equal(KafkaError.None, Group.Heartbeat(again.Id, "i1", 1));
        Assert.Equal(KafkaError.None, Beat(a));
    }

    [Fact]
    public void A_static_leader_is_told_to_leave_the_assignment_alone_or_that_another_leads()
    {
        Member s = Join("s", instance: "i1");
        Pass(ConsumerGroup.InitialDelay);
        Sync(s, "i1", (s, "all"));

        Member old = Join("s", instance: "i1");
        Member today = Join("s", instance: "i1", version: 9);

        Assert.Equal((s.Id, false, 0), (old.Joined.Leader, old.Joined.SkipAssignment, old.Joined.Members.Count));
        Assert.Equal((today.Id, true, 1), (today.Joined.Leader, today.Joined.SkipAssignment, today.Joined.Members.Count));
    }

    [Fact]
    public void Whoever_leaves_is_gone_at_once_and_the_last_one_leaves_the_group_empty()
    {
        (Member a, Member b) = Pair();

        Assert.Equal(KafkaError.None, Group.Leave(b.Id, null));
        Assert.Equal(KafkaError.RebalanceInProgress, Beat(a));
        Assert.Equal(KafkaError.UnknownMemberId, Group.Leave(b.Id, null));
        Assert.Equal(KafkaError.None, Group.Leave(a.Id, null));
        Assert.Equal(GroupState.Empty, Group.State);
        Assert.True(Group.IsVacant);
    }

    [Fact]
    public void The_protocol_with_most_votes_of_those_that_all_have_is_chosen()
    {
        Task<JoinGroupResponse> a = _groups.JoinAsync(Request("a", protocol: "x,range,sticky"), 3, "a", ""), b = _groups.JoinAsync(Request("b", protocol: "sticky,range"), 3, "b", ""), c = _groups.JoinAsync(Request("c", protocol: "sticky,range"), 3, "c", "");

        Pass(ConsumerGroup.InitialDelay);

        Assert.All([a, b, c], joined => Assert.Equal("sticky", joined.Now().ProtocolName));
    }

    [Theory]
    [InlineData("", "range", 6000, KafkaError.InvalidGroupId)]
    [InlineData("g", "range", 999, KafkaError.InvalidSessionTimeout)]
    [InlineData("g", "range", 1_800_001, KafkaError.InvalidSessionTimeout)]
    [InlineData("g", "", 6000, KafkaError.InconsistentGroupProtocol)]
    public void What_no_group_can_be_is_refused(string group, string protocol, int sessionMs, KafkaError expected)
    {
        JoinGroupRequest request = Request("a", protocol: protocol);
        request.GroupId = group;
        request.SessionTimeoutMs = sessionMs;

        Assert.Equal(expected, _groups.JoinAsync(request, 5, "a", "").Now().ErrorCode);
    }

    private ConsumerGroup Group => _groups.FindOrVacant("g");

    private (Member A, Member B) Pair()
    {
        Member a = Join("a"), b = Join("b");
        Pass(ConsumerGroup.InitialDelay);
        Sync(a, (a, "one"), (b, "two"));
        return (a, b);
    }

    private Member Join(string name, string? instance = null, short version = 3) => new(name, _groups.JoinAsync(Request(name, instance: instance), version, name, "/127.0.0.1"));

    private Member Rejoin(Member member) => new(member.Name, _groups.JoinAsync(Request(member.Name, member.Id), 5, member.Name, "/127.0.0.1"));

    private static JoinGroupRequest Request(string name, string memberId = "", string? instance = null, string protocol = "range") => new()
    {
        GroupId = "g",
        MemberId = memberId,
        GroupInstanceId = instance,
        SessionTimeoutMs = 5000,
        RebalanceTimeoutMs = 10_000,
        ProtocolType = "consumer",
        Protocols = [.. protocol.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(one => new JoinGroupRequest.JoinGroupRequestProtocol { Name = one, Metadata = Encoding.UTF8.GetBytes($"meta {name}") })],
    };

    private Task<SyncGroupResponse> Sync(Member member, params (Member Member, string Assignment)[] assignments) => Sync(member, null, assignments);

    private Task<SyncGroupResponse> Sync(Member member, string? instance, params (Member Member, string Assignment)[] assignments) => Group.SyncAsync(new SyncGroupRequest
    {
        GroupId = "g",
        GenerationId = member.Joined.GenerationId,
        MemberId = member.Id,
        GroupInstanceId = instance,
        Assignments = [.. assignments.Select(one => new SyncGroupRequest.SyncGroupRequestAssignment { MemberId = one.Member.Id, Assignment = Encoding.UTF8.GetBytes(one.Assignment) })],
    });

    private KafkaError Beat(Member member) => Group.Heartbeat(member.Id, null, member.Joined.GenerationId);

    // In steps, as the timer would, with the members given heard of meanwhile.
    private void Pass(TimeSpan time, params Member[] alive)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMilliseconds(100))
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            foreach (Member member in alive)
            {
                Beat(member);
            }

            _groups.Sweep();
        }
    }

    private sealed record Member(string Name, Task<JoinGroupResponse> Joining)
    {
        public JoinGroupResponse Joined => Joining.IsCompleted ? Joining.Result : throw new InvalidOperationException($"{Name} still waits to join.");

        public string Id => Joined.MemberId;
    }
}

internal static class CompletedTask
{
    /// <summary>The result of a task that nothing is waited for any more.</summary>
    public static T Now<T>(this Task<T> task) => task.IsCompletedSuccessfully ? task.Result : throw new InvalidOperationException("It still waits.");
}
