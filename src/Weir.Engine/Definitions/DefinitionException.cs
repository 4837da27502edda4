using Weir.Core;

namespace Weir.Engine;

/// <summary>One thing that is wrong with a definition.</summary>
/// <param name="Path">Where in the document: <c>claim.by</c>, <c>limits.depth</c>; empty for the document itself.</param>
public sealed record DefinitionFault(string Path, ErrorCode Code, string Detail);

/// <summary>A stream or view definition that cannot be used. Lists every fault at once. A retry never helps.</summary>
public sealed class DefinitionException : WeirException
{
    public DefinitionException(IReadOnlyList<DefinitionFault> faults)
        : base(faults[0].Code, string.Join(" ", faults.Select(fault => fault.Path.Length == 0 ? fault.Detail : $"{fault.Path}: {fault.Detail}"))) => Faults = faults;

    public IReadOnlyList<DefinitionFault> Faults { get; }
}
