namespace Weir.FuzzTests;

/// <summary>A reader under test.</summary>
/// <param name="Name">Printed, and chosen by <c>WEIR_FUZZ_TARGET</c>.</param>
/// <param name="Weight">Its part of all inputs, in thousandths.</param>
/// <param name="Corpus">Valid inputs, made by the real writers where there are any. At least one.</param>
/// <param name="Read">
/// Reads an input and returns a number that stands for what it came to: inputs with a new one are mutated further. Throws nothing but a
/// <see cref="Core.WeirException"/>; a contradiction between two implementations is a <see cref="DisagreementException"/>.
/// </param>
internal sealed record FuzzTarget(string Name, int Weight, IReadOnlyList<byte[]> Corpus, Func<byte[], int> Read)
{
    public IReadOnlyList<byte[]> Dictionary { get; init; } = [];

    /// <summary>Makes checksums right again, so that what lies behind them is read as well. Applied to half of the inputs. Null: there are none.</summary>
    public Action<byte[]>? Repair { get; init; }

    /// <summary>Bytes that any input may allocate: buffers of a fixed size, messages.</summary>
    public long FixedBytes { get; init; } = 32 << 10;

    /// <summary>Bytes that each byte of an input may allocate beyond that.</summary>
    public long BytesPerByte { get; init; } = 64;
}

/// <summary>Two implementations say different things about one input.</summary>
internal sealed class DisagreementException(string what) : Exception(what);
