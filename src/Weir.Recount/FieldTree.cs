using System.Text.Json;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>One field as it stands in an event: token and place of its bytes. <c>None</c>: it is not there.</summary>
/// <param name="Token">String, Number, True, False, Null, StartObject, StartArray or None.</param>
/// <param name="IsTwice">The field, or one on the way to it, is there twice: readers disagree about which of the two counts.</param>
internal record struct JsonField(JsonTokenType Token, int Start, int End, bool IsTwice)
{
    /// <summary>The value's bytes; those of a string without its quotes.</summary>
    public readonly ReadOnlySpan<byte> Of(ReadOnlySpan<byte> json) =>
        Token == JsonTokenType.String ? json[(Start + 1)..(End - 1)] : json[Start..End];
}

/// <summary>The fields that one stream and one view read, as a tree of names: an event is walked once, and only these are picked up.</summary>
internal sealed class FieldTree
{
    private readonly Node _root = new();

    /// <summary>Fields that were added.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a path and returns the place of its value in what <see cref="TryRead"/> fills.</summary>
    public int Add(IEnumerable<PathStep> path)
    {
        Node node = _root;
        foreach (PathStep step in path)
        {
            Node? next = node.Children.Find(child => child.Step == step);
            if (next is null)
            {
                next = new Node { Step = step, Name = System.Text.Encoding.UTF8.GetBytes(step.Name ?? "") };
                node.Children.Add(next);
            }

            node = next;
        }

        if (node.Slot < 0)
        {
            node.Slot = Count++;
        }

        return node.Slot;
    }

    /// <summary>Reads an event.</summary>
    /// <param name="fields"><see cref="Count"/> places.</param>
    /// <returns>False when the bytes are not one JSON object in UTF-8, at most <paramref name="maxDepth"/> deep.</returns>
    public bool TryRead(ReadOnlySpan<byte> json, int maxDepth, Span<JsonField> fields)
    {
        fields.Clear();
        if (!System.Text.Unicode.Utf8.IsValid(json))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            ReadObject(ref reader, _root, fields);
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void ReadObject(ref Utf8JsonReader reader, Node node, Span<JsonField> fields)
    {
        Span<bool> seen = stackalloc bool[node.Children.Count];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int at = node.IndexOf(ref reader);
            reader.Read();
            if (at < 0)
            {
                reader.Skip();
                continue;
            }

            Node child = node.Children[at];
            ReadValue(ref reader, child, fields);
            if (seen[at])
            {
                MarkTwice(child, fields);
            }

            seen[at] = true;
        }
    }

    private static void ReadArray(ref Utf8JsonReader reader, Node node, Span<JsonField> fields)
    {
        for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            Node? child = node.Children.Find(c => c.Step.Name is null && c.Step.Index == index);
            if (child is null)
            {
                reader.Skip();
            }
            else
            {
                ReadValue(ref reader, child, fields);
            }
        }
    }

    private static void ReadValue(ref Utf8JsonReader reader, Node node, Span<JsonField> fields)
    {
        JsonTokenType token = reader.TokenType;
        int start = (int)reader.TokenStartIndex;
        if (token == JsonTokenType.StartObject && node.Children.Count > 0)
        {
            ReadObject(ref reader, node, fields);
        }
        else if (token == JsonTokenType.StartArray && node.Children.Count > 0)
        {
            ReadArray(ref reader, node, fields);
        }
        else
        {
            reader.Skip();
        }

        if (node.Slot >= 0)
        {
            fields[node.Slot] = new JsonField(token, start, (int)reader.BytesConsumed, fields[node.Slot].IsTwice);
        }
    }

    private static void MarkTwice(Node node, Span<JsonField> fields)
    {
        if (node.Slot >= 0)
        {
            fields[node.Slot].IsTwice = true;
        }

        foreach (Node child in node.Children)
        {
            MarkTwice(child, fields);
        }
    }

    private sealed class Node
    {
        public PathStep Step { get; init; }
        public byte[] Name { get; init; } = [];
        public int Slot { get; set; } = -1;
        public List<Node> Children { get; } = [];

        /// <summary>The child that the reader's property name means; -1: none.</summary>
        public int IndexOf(ref Utf8JsonReader reader)
        {
            ReadOnlySpan<byte> name = reader.ValueSpan;
            if (reader.ValueIsEscaped)
            {
                if (!JsonText.TryUnescape(name, out name))
                {
                    return -1;
                }
            }

            for (int i = 0; i < Children.Count; i++)
            {
                if (Children[i].Step.Name is not null && name.SequenceEqual(Children[i].Name))
                {
                    return i;
                }
            }

            return -1;
        }
    }
}
