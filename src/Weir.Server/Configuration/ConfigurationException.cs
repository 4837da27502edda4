using Weir.Core;

namespace Weir.Server.Configuration;

/// <summary>The configuration cannot be used; <see cref="Faults"/> has everything that is wrong with it. A retry does not help.</summary>
public sealed class ConfigurationException : WeirException
{
    /// <param name="faults">At least one; its code becomes the exception's.</param>
    public ConfigurationException(IReadOnlyList<ConfigurationFault> faults)
        : base(faults[0].Code, string.Join('\n', faults)) => Faults = faults;

    /// <summary>In order of layer, line and column.</summary>
    public IReadOnlyList<ConfigurationFault> Faults { get; }
}
