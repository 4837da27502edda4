using System.Collections;
using System.Runtime.CompilerServices;

namespace Weir.Sql;

/// <summary>An immutable list that compares by its elements, so that records which hold one compare by content.</summary>
[CollectionBuilder(typeof(NodeList), nameof(NodeList.Create))]
public sealed class NodeList<T> : IReadOnlyList<T>, IEquatable<NodeList<T>>
{
    private readonly T[] _nodes;

    internal NodeList(ReadOnlySpan<T> nodes) => _nodes = nodes.ToArray();

    public int Count => _nodes.Length;

    public T this[int index] => _nodes[index];

    public bool Equals(NodeList<T>? other) => other is not null && _nodes.AsSpan().SequenceEqual(other._nodes);

    public override bool Equals(object? obj) => Equals(obj as NodeList<T>);

    // Only the length: nothing keeps long lists as keys, and the hash of a string is not stable between processes.
    public override int GetHashCode() => _nodes.Length;

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_nodes).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _nodes.GetEnumerator();
}

/// <summary>Makes <see cref="NodeList{T}"/> from collection expressions.</summary>
public static class NodeList
{
    public static NodeList<T> Create<T>(ReadOnlySpan<T> nodes) => new(nodes);
}
