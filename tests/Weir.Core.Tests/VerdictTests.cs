using Weir.Core;

namespace Weir.Core.Tests;

/// <summary>Numbers that are on disk. This list only grows.</summary>
public sealed class VerdictTests
{
    [Fact]
    public void Verdict_numbers_are_frozen() => Assert.Equal(
        "None=0 Counted=1 Duplicate=2 Replaced=3 Taken=4 Closed=5 Late=6 Invalid=7",
        Numbers<Verdict>());

    [Fact]
    public void Reason_numbers_are_frozen_and_fit_four_bits()
    {
        Assert.StartsWith(
            "None=0 NotOpenYet=1 AfterClose=2 NotAnObject=3 KeyMissing=4 KeyWrongType=5 IdMissing=6 IdWrongType=7 FieldMismatch=8 DuplicateField=9 OverLimit=10",
            Numbers<VerdictReason>(), StringComparison.Ordinal);
        Assert.All(Enum.GetValues<VerdictReason>(), reason => Assert.InRange((byte)reason, 0, 15));
    }

    [Fact]
    public void Marker_numbers_are_frozen() => Assert.Equal("Define=1000 Open=1001 Close=1002 Lost=1003", Numbers<MarkerType>());

    [Theory]
    [InlineData(Verdict.None, "marker", false, false)]
    [InlineData(Verdict.Counted, "counted", true, false)]
    [InlineData(Verdict.Duplicate, "duplicate", false, false)]
    [InlineData(Verdict.Replaced, "replaced", true, false)]
    [InlineData(Verdict.Taken, "taken", false, true)]
    [InlineData(Verdict.Closed, "closed", false, true)]
    [InlineData(Verdict.Late, "late", false, true)]
    [InlineData(Verdict.Invalid, "invalid", false, true)]
    public void Each_verdict_has_its_word_and_its_consequences(Verdict verdict, string word, bool counted, bool deadLetter)
    {
        Assert.Equal(word, verdict.Word());
        Assert.Equal(counted, verdict.IsCounted());
        Assert.Equal(deadLetter, verdict.IsDeadLetter());
    }

    private static string Numbers<T>() where T : struct, Enum =>
        string.Join(' ', Enum.GetValues<T>().Select(value => $"{value}={Convert.ToInt64(value)}"));
}
