using Weir.Core;

namespace Weir.Server.Configuration;

/// <summary>One thing wrong with the configuration.</summary>
/// <param name="Key">The full key, <c>streams.votes.partitions</c>; empty for the file as a whole.</param>
/// <param name="Detail">What was found and what is allowed; a full sentence.</param>
public sealed record ConfigurationFault(ErrorCode Code, string Key, string Detail, ConfigurationOrigin Origin)
{
    /// <summary>One line as it is printed: place, code, key, detail.</summary>
    public override string ToString()
    {
        string key = Key.Length == 0 ? "" : Key + ": ";
        return $"{Origin}: {WeirErrors.NameOf(Code)} {key}{Detail}";
    }
}
