namespace Weir.Engine.Tests.Views;

public sealed class FrozenDatumKindTests
{
    [Fact]
    public void Kinds_in_snapshots_keep_their_numbers()
    {
        Assert.Equal(
            [("Null", 0), ("False", 1), ("True", 2), ("Number", 3), ("String", 4), ("Composite", 5), ("Unreadable", 6)],
            Enum.GetValues<DatumKind>().Select(kind => (kind.ToString(), (int)kind)));
    }
}
