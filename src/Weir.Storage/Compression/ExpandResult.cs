namespace Weir.Storage;

/// <summary>What came of expanding compressed bytes.</summary>
public enum ExpandResult
{
    Done,

    /// <summary>The bytes are not what the codec writes.</summary>
    Corrupt,

    /// <summary>They expand to more than is allowed.</summary>
    TooLarge,

    /// <summary>The codec is unknown, or the library that reads it is not installed.</summary>
    Unsupported,
}
