using System.Globalization;

namespace Weir.CodeGen;

/// <summary>
/// One schema file: an API with its request and its response. The syntax (docs/internals/kafka-protocol.md has an example):
/// <code>
/// # a comment
/// api KEY NAME
/// versions MIN-MAX
/// flexible MIN+ | none
///
/// request
///   NAME  TYPE[?[VERSIONS]]  [VERSIONS]  [tag N]  [= DEFAULT]  [-- what it means]
///     NAME ...            fields of the structure above, two spaces further in
/// response
///   ...
/// </code>
/// Versions are <c>5+</c>, <c>4-12</c> or <c>7</c>; none given: all of the surrounding ones. A question mark after the type: null is allowed, from the version that follows it, or in all.
/// </summary>
public sealed record ApiSchema(short Key, string Name, Versions Versions, short FirstFlexible, IReadOnlyList<FieldSchema> Request, IReadOnlyList<FieldSchema> Response)
{
    private static readonly string[] Primitives = ["bool", "int8", "int16", "int32", "int64", "error", "uuid", "string", "bytes", "records"];

    /// <exception cref="FormatException">Names file, line and what is wrong.</exception>
    public static ApiSchema Parse(string text, string file)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        int at = 0;
        try
        {
            string[] api = Heading("api", 3);
            string[] versions = Heading("versions", 2);
            string[] flexible = Heading("flexible", 2);
            Versions range = Versions.Parse(versions[1], new Versions(0, short.MaxValue));
            short firstFlexible = flexible[1] == "none" ? short.MaxValue : Versions.Parse(flexible[1], new Versions(0, short.MaxValue)).Min;
            Heading("request", 1);
            IReadOnlyList<FieldSchema> request = Fields(2, range);
            Heading("response", 1);
            IReadOnlyList<FieldSchema> response = Fields(2, range);
            if (Next() is { } rest)
            {
                throw new FormatException($"'{rest.Trim()}' after the response");
            }

            return new ApiSchema(short.Parse(api[1], CultureInfo.InvariantCulture), api[2], range, firstFlexible, request, response);
        }
        catch (Exception e) when (e is FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw new FormatException($"{file}({at + 1}): {e.Message}", e);
        }

        // The line at hand, with comments and empty lines passed over; null at the end.
        string? Next()
        {
            while (at < lines.Length && (lines[at].Trim().Length == 0 || lines[at].TrimStart().StartsWith('#')))
            {
                at++;
            }

            return at < lines.Length ? lines[at] : null;
        }

        string[] Heading(string word, int words)
        {
            string[] found = Next()?.Split(' ') ?? [];
            if (found.Length != words || found[0] != word)
            {
                throw new FormatException($"'{word}' expected");
            }

            at++;
            return found;
        }

        IReadOnlyList<FieldSchema> Fields(int indent, Versions outer)
        {
            var fields = new List<FieldSchema>();
            while (Next() is { } line && line.Length - line.TrimStart(' ').Length is int found && found >= indent)
            {
                if (found > indent)
                {
                    throw new FormatException("indented further than a field here can be");
                }

                FieldSchema field = Field(line, outer);
                at++;
                IReadOnlyList<FieldSchema> children = Fields(indent + 2, field.Versions);
                if (children.Count > 0 == Primitives.Contains(field.Type))
                {
                    throw new FormatException($"{field.Name}: a structure has fields and nothing else has");
                }

                if (field.Tag is not null && Flatten(children).Append(field).Any(part => part.Type == "records"))
                {
                    throw new FormatException($"{field.Name}: records cannot be in a tagged field, whose size stands before it");
                }

                fields.Add(field with { Fields = children });
            }

            return fields;
        }

        static IEnumerable<FieldSchema> Flatten(IEnumerable<FieldSchema> fields) => fields.SelectMany(field => Flatten(field.Fields).Prepend(field));
    }

    private static FieldSchema Field(string line, Versions outer)
    {
        string[] parts = line.Split(" -- ", 2);
        var words = new Queue<string>(parts[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        string name = words.Dequeue();
        string type = words.TryDequeue(out string? given) ? given : throw new FormatException($"{name} has no type");
        Versions versions = words.TryPeek(out string? word) && char.IsAsciiDigit(word[0]) ? Versions.Parse(words.Dequeue(), outer) : outer;
        uint? tag = null;
        string? standard = null;
        while (words.TryDequeue(out word))
        {
            switch (word)
            {
                case "tag":
                    tag = uint.Parse(words.Dequeue(), CultureInfo.InvariantCulture);
                    break;
                case "=":
                    standard = words.Dequeue();
                    break;
                default:
                    throw new FormatException($"{name}: '{word}' is neither versions, a tag nor a default");
            }
        }

        Versions? nullable = null;
        int mark = type.IndexOf('?', StringComparison.Ordinal);
        if (mark >= 0)
        {
            nullable = mark == type.Length - 1 ? versions : Versions.Parse(type[(mark + 1)..], versions);
            type = type[..mark];
        }

        bool isArray = type.StartsWith("[]", StringComparison.Ordinal);
        return new FieldSchema(name, isArray ? type[2..] : type, isArray, versions, nullable, tag, standard, parts.Length > 1 ? parts[1].Trim() : "", []);
    }
}

/// <summary>A field.</summary>
/// <param name="Type">A primitive or the name of a structure; of an array, its elements'.</param>
/// <param name="Nullable">Versions in which it may be null; null: none.</param>
/// <param name="Tag">Number of a tagged field; null: it has a fixed place.</param>
/// <param name="Default">Value that it has where it is not there; null: that of the type.</param>
/// <param name="Fields">Of the structure; empty for a primitive.</param>
public sealed record FieldSchema(string Name, string Type, bool IsArray, Versions Versions, Versions? Nullable, uint? Tag, string? Default, string Doc, IReadOnlyList<FieldSchema> Fields)
{
    public bool IsStructure => Fields.Count > 0;
}

/// <summary>A range of versions, both ends included.</summary>
public readonly record struct Versions(short Min, short Max)
{
    public bool Contains(int version) => version >= Min && version <= Max;

    /// <param name="outer">The versions that these must lie in; an open end is theirs.</param>
    public static Versions Parse(string text, Versions outer)
    {
        string[] ends = text.TrimEnd('+').Split('-');
        short min = short.Parse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture);
        short max = text.EndsWith('+') ? outer.Max : short.Parse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture);
        if (ends.Length > 2 || min > max || min < outer.Min || max > outer.Max)
        {
            throw new FormatException($"versions {text} within {outer.Min}-{outer.Max}");
        }

        return new Versions(min, max);
    }
}
