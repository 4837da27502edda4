namespace Weir.CrashTests.CrashStates;

internal enum FateKind
{
    /// <summary>All of it is on disk.</summary>
    Kept,

    /// <summary>It never happened, as far as the disk knows.</summary>
    Lost,

    /// <summary>Of a write that made the file longer: the length is there, the bytes are not.</summary>
    Grown,

    /// <summary>Of a write: the first units are there.</summary>
    Prefix,

    /// <summary>Of a write: all but the first units are there.</summary>
    Suffix,

    /// <summary>Of a write: some units are there and others not, as a hash of <see cref="Fate.Seed"/> says.</summary>
    Scattered,
}

/// <summary>What power loss makes of one call that was not flushed.</summary>
/// <param name="UnitBytes">What the disk writes in one piece, aligned in the file: 512 or 4096.</param>
/// <param name="Units">Of Prefix and Suffix: how many units, of those that the write touches.</param>
/// <param name="IsWholeLength">Of Prefix: the file has its new length; otherwise it ends where the bytes do.</param>
internal readonly record struct Fate(FateKind Kind, int UnitBytes = 512, int Units = 0, bool IsWholeLength = false, int Seed = 0)
{
    public static Fate Kept => new(FateKind.Kept);

    public static Fate Lost => new(FateKind.Lost);

    /// <summary>Whether a longer file is as long as the write made it.</summary>
    public bool KeepsLength => Kind is not (FateKind.Lost or FateKind.Prefix) || (Kind == FateKind.Prefix && IsWholeLength);

    /// <summary>Whether the bytes of a write in this unit arrived.</summary>
    /// <param name="unit">The unit's number in the file.</param>
    /// <param name="first">Number of the first unit that the write touches.</param>
    public bool Keeps(long unit, long first) => Kind switch
    {
        FateKind.Kept => true,
        FateKind.Prefix => unit - first < Units,
        FateKind.Suffix => unit - first >= Units,
        FateKind.Scattered => (Mix((ulong)unit ^ ((ulong)(uint)Seed << 32)) & 1) != 0,
        _ => false,
    };

    /// <summary>A number for this fate of this call; sums of them tell states apart.</summary>
    public ulong Signature(int call) => Kind == FateKind.Lost ? 0 : Mix(((ulong)(uint)call << 32) ^ ((ulong)Kind << 28) ^ ((ulong)UnitBytes << 8) ^ (uint)Units ^ (IsWholeLength ? 1UL << 27 : 0) ^ ((ulong)(uint)Seed * 0x9E3779B97F4A7C15));

    public override string ToString() => Kind switch
    {
        FateKind.Prefix => $"first {Units} of {UnitBytes}{(IsWholeLength ? ", whole length" : "")}",
        FateKind.Suffix => $"without the first {Units} of {UnitBytes}",
        FateKind.Scattered => $"some of {UnitBytes} ({Seed})",
        _ => Kind.ToString().ToLowerInvariant(),
    };

    // The finalizer of splitmix64.
    internal static ulong Mix(ulong value)
    {
        unchecked
        {
            value += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
