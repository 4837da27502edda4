namespace Weir.Simulator;

/// <summary>An invariant that a run broke. Its name says which.</summary>
internal sealed class Violation(string invariant, string text) : Exception($"{invariant}: {text}")
{
    public string Invariant => invariant;
}
