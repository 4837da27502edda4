using System.Text;
using Weir.Cli.Demo;

namespace Weir.Cli.Tests;

/// <summary>The demo's record must find what a wrong server would do.</summary>
public sealed class OracleTests
{
    private readonly Oracle _oracle = new(capacity: 100);

    [Fact]
    public void Right_answers_leave_no_finding_and_every_acknowledged_vote_is_expected_once()
    {
        DemoBatch votes = Batch((LineKind.Vote, _oracle.TakeNumber()), (LineKind.Vote, _oracle.TakeNumber()));
        Assert.True(Record(votes, """{"counted":2,"unknown":0,"verdicts":[]}"""));

        Assert.True(Record(
            Batch((LineKind.Retry, 0), (LineKind.SecondVote, 1), (LineKind.Malformed, 0), (LineKind.AfterClose, 5)),
            """{"counted":0,"unknown":0,"verdicts":[{"index":0,"verdict":"duplicate","partition":0,"offset":1},{"index":1,"verdict":"taken"},{"index":2,"verdict":"refused","code":"WEIR-1201"},{"index":3,"verdict":"closed"}]}"""));

        Assert.Empty(_oracle.Findings);
        Assert.Equal(6, _oracle.DecidedTotal);
        (long[] counts, long[] numbers) = _oracle.Expected();
        Assert.Equal(2, counts.Sum());
        Assert.Equal(0 + 1, numbers.Sum());
    }

    [Theory]
    [InlineData(nameof(LineKind.Retry))]
    [InlineData(nameof(LineKind.SecondVote))]
    [InlineData(nameof(LineKind.Malformed))]
    [InlineData(nameof(LineKind.AfterClose))]
    public void Counting_what_must_not_count_is_a_double(string kind)
    {
        Record(Batch((LineKind.Vote, _oracle.TakeNumber())), """{"counted":1,"unknown":0,"verdicts":[]}""");

        Record(Batch((Enum.Parse<LineKind>(kind), 0)), """{"counted":1,"unknown":0,"verdicts":[]}""");

        Assert.Equal(1, _oracle.DoubleVerdicts);
        Assert.NotEmpty(_oracle.Findings);
    }

    [Fact]
    public void A_vote_may_be_a_duplicate_only_when_an_earlier_try_had_no_answer()
    {
        DemoBatch repeated = Batch((LineKind.Vote, _oracle.TakeNumber()));
        repeated.Attempts = 2;
        Record(repeated, """{"counted":0,"unknown":0,"verdicts":[{"index":0,"verdict":"duplicate"}]}""");
        Assert.Empty(_oracle.Findings);
        Assert.Equal(1, _oracle.RepeatedLines);

        Record(Batch((LineKind.Vote, _oracle.TakeNumber())), """{"counted":0,"unknown":0,"verdicts":[{"index":0,"verdict":"duplicate"}]}""");
        Assert.Equal(1, _oracle.WrongVerdicts);
    }

    [Fact]
    public void An_answer_with_unknown_outcomes_records_nothing()
    {
        DemoBatch votes = Batch((LineKind.Vote, _oracle.TakeNumber()), (LineKind.Vote, _oracle.TakeNumber()));

        Assert.False(Record(votes, """{"counted":1,"unknown":1,"verdicts":[{"index":1,"verdict":"unknown"}]}"""));

        Assert.Equal(0, _oracle.DecidedTotal);
        Assert.Equal(0, _oracle.Expected().Votes.Sum());
        Assert.Equal(-1, _oracle.FindAcknowledged(hint: 0));
    }

    private bool Record(DemoBatch batch, string answer) => _oracle.TryRecord(batch, Encoding.UTF8.GetBytes(answer));

    private static DemoBatch Batch(params (LineKind Kind, int Number)[] lines)
    {
        var batch = new DemoBatch(lines.Length) { Attempts = 1 };
        batch.Lines.AddRange(lines);
        return batch;
    }
}
