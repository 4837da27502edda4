using System.Diagnostics.CodeAnalysis;

namespace Weir.Engine;

/// <summary>A statement about our own code that must hold, checked in release builds too. A broken one stops the partition, not the node.</summary>
internal static class Invariant
{
    public static void Check([DoesNotReturnIf(false)] bool holds, string statement)
    {
        if (!holds)
        {
            Fail(statement);
        }
    }

    [DoesNotReturn]
    private static void Fail(string statement) => throw new InvariantException(statement);
}

/// <summary>An invariant does not hold: a defect in Weir. The partition that sees it stops and recovers from its log.</summary>
public sealed class InvariantException(string statement) : Exception(statement);
