using System.Globalization;
using System.Text;

namespace Weir.CodeGen;

/// <summary>Writes the C# file of one message.</summary>
public sealed class MessageWriter
{
    private readonly StringBuilder _code = new();
    private readonly ApiSchema _api;
    private readonly bool _isRequest;
    private readonly string _message;
    private int _indent;

    private MessageWriter(ApiSchema api, bool isRequest)
    {
        _api = api;
        _isRequest = isRequest;
        _message = api.Name + (isRequest ? "Request" : "Response");
    }

    public static string Write(ApiSchema api, bool isRequest)
    {
        var writer = new MessageWriter(api, isRequest);
        writer.WriteFile(isRequest ? api.Request : api.Response);
        return writer._code.ToString();
    }

    private void WriteFile(IReadOnlyList<FieldSchema> fields)
    {
        Line($"// Written by eng/Weir.CodeGen from Schema/{_api.Name}.kafka. Change that, and run it.");
        Line("namespace Weir.Kafka.Protocol.Messages;");
        Line();
        Line($"/// <summary>{(_isRequest ? "Request" : "Response")} of {_api.Name} (API {_api.Key}), versions {_api.Versions.Min} to {_api.Versions.Max}.</summary>");
        Line($"public sealed class {_message} : IKafkaMessage");
        Open();
        WriteClass(_message, fields, _api.Versions, isMessage: true);
        var written = new Dictionary<string, FieldSchema>(StringComparer.Ordinal);
        foreach ((string owner, FieldSchema structure) in Structures(_message, fields))
        {
            if (!written.TryAdd(structure.Type, structure))
            {
                throw new FormatException($"{_message} has two structures named {structure.Type}");
            }

            Line();
            Line($"/// <summary>{(structure.IsArray ? "One of" : "Value of")} <see cref=\"{owner}.{structure.Name}\"/>.</summary>");
            Line($"public sealed class {structure.Type} : IKafkaStruct<{structure.Type}>");
            Open();
            WriteClass(structure.Type, structure.Fields, structure.Versions, isMessage: false);
            Close();
        }

        Close();
    }

    private static IEnumerable<(string Owner, FieldSchema Structure)> Structures(string owner, IEnumerable<FieldSchema> fields) =>
        fields.Where(field => field.IsStructure).SelectMany(field => Structures(field.Type, field.Fields).Prepend((owner, field)));

    private void WriteClass(string name, IReadOnlyList<FieldSchema> fields, Versions versions, bool isMessage)
    {
        foreach (FieldSchema field in fields)
        {
            Line($"/// <summary>{Escape(field.Doc)}{VersionsText(field.Versions, versions)}</summary>");
            string initial = Initial(field);
            Line($"public {PropertyType(field)} {field.Name} {{ get; set; }}{(initial.Length == 0 ? "" : $" = {initial};")}");
            Line();
        }

        WriteRead(name, fields, versions, isMessage);
        Line();
        WriteWrite(name, fields, versions, isMessage);
        if (!isMessage)
        {
            Line();
            Line($"static int IKafkaStruct<{name}>.MinBytes(short version) => {MinBytesExpression(fields, versions)};");
        }
    }

    private void WriteRead(string name, IReadOnlyList<FieldSchema> fields, Versions versions, bool isMessage)
    {
        if (isMessage)
        {
            Line("/// <summary>Reads the body at the reader's place.</summary>");
            Line("/// <exception cref=\"KafkaProtocolException\">The bytes are not this message, or the version is out of range.</exception>");
            Line($"public static {name} Read(ref KafkaReader reader, short version)");
        }
        else
        {
            Line($"static {name} IKafkaStruct<{name}>.Read(ref KafkaReader reader, short version)");
        }

        Open();
        if (isMessage)
        {
            Line($"reader.BeginMessage(ApiTable.{_api.Name}, isRequest: {(_isRequest ? "true" : "false")}, version);");
        }

        Line($"var read = new {name}();");
        WriteFixed(fields, versions, field => $"read.{field.Name} = {ReadExpression(field)};");
        FieldSchema[] tagged = [.. fields.Where(field => field.Tag is not null)];
        if (_api.FirstFlexible <= versions.Max)
        {
            if (tagged.Length == 0)
            {
                Line("reader.SkipTags();");
            }
            else
            {
                WriteReadTags(tagged, versions);
            }
        }

        Line("return read;");
        Close();
    }

    private void WriteReadTags(IEnumerable<FieldSchema> tagged, Versions versions)
    {
        Line("for (int left = reader.ReadTagCount(); left > 0; left--)");
        Open();
        Line("switch (reader.BeginTag(out int end))");
        Open();
        foreach (FieldSchema field in tagged)
        {
            string condition = Condition(field.Versions, versions);
            Line($"case {field.Tag}{(condition.Length == 0 ? "" : $" when {condition}")}:");
            _indent++;
            Line($"read.{field.Name} = {ReadExpression(field)};");
            Line("break;");
            _indent--;
        }

        Line("default:");
        _indent++;
        Line("reader.SkipTag();");
        Line("break;");
        _indent--;
        Close();
        Line();
        Line("reader.EndTag(end);");
        Close();
        Line();
    }

    private void WriteWrite(string name, IReadOnlyList<FieldSchema> fields, Versions versions, bool isMessage)
    {
        if (isMessage)
        {
            Line("/// <inheritdoc/>");
            Line("public void Write(KafkaWriter writer, short version)");
        }
        else
        {
            Line($"void IKafkaStruct<{name}>.Write(KafkaWriter writer, short version)");
        }

        Open();
        if (isMessage)
        {
            Line($"writer.BeginMessage(ApiTable.{_api.Name}, version);");
        }

        WriteFixed(fields, versions, field => WriteStatement(field));
        FieldSchema[] tagged = [.. fields.Where(field => field.Tag is not null).OrderBy(field => field.Tag)];
        if (_api.FirstFlexible <= versions.Max)
        {
            if (tagged.Length == 0)
            {
                Line("writer.WriteTagCount(0);");
            }
            else
            {
                WriteWriteTags(tagged, versions);
            }
        }

        Close();
    }

    /// <summary>Tagged fields go in the order of their numbers, and only those that differ from their default (KIP-482).</summary>
    private void WriteWriteTags(FieldSchema[] tagged, Versions versions)
    {
        foreach (FieldSchema field in tagged)
        {
            string condition = Condition(field.Versions, versions);
            Line($"bool has{field.Name} = {(condition.Length == 0 ? "" : $"{condition} && ")}{Differs(field)};");
        }

        Line($"writer.WriteTagCount({string.Join(" + ", tagged.Select(field => $"(has{field.Name} ? 1 : 0)"))});");
        foreach (FieldSchema field in tagged)
        {
            Line($"if (has{field.Name})");
            Open();
            Line($"int start = writer.BeginTag({field.Tag});");
            Line(WriteStatement(field));
            Line("writer.EndTag(start);");
            Close();
            if (field != tagged[^1])
            {
                Line();
            }
        }
    }

    /// <summary>One statement per field that has a fixed place; neighbours of the same versions share a condition.</summary>
    private void WriteFixed(IReadOnlyList<FieldSchema> fields, Versions versions, Func<FieldSchema, string> statement)
    {
        FieldSchema[] placed = [.. fields.Where(field => field.Tag is null)];
        for (int i = 0; i < placed.Length;)
        {
            int end = i + 1;
            while (end < placed.Length && placed[end].Versions == placed[i].Versions)
            {
                end++;
            }

            string condition = Condition(placed[i].Versions, versions);
            if (condition.Length > 0)
            {
                Line($"if ({condition})");
                Open();
            }

            for (; i < end; i++)
            {
                Line(statement(placed[i]));
            }

            if (condition.Length > 0)
            {
                Close();
                Line();
            }
        }
    }

    private static string ReadExpression(FieldSchema field)
    {
        string plain = field switch
        {
            { IsArray: true, IsStructure: true } => $"Array<{field.Type}>(version)",
            { IsArray: true } => $"{Method(field.Type)}Array()",
            { IsStructure: true } => $"Struct<{field.Type}>(version)",
            _ => $"{Method(field.Type)}()",
        };
        string nullable = Condition(field.Nullable, field.Versions);
        return field.Nullable is null ? $"reader.Read{plain}"
            : nullable.Length == 0 ? $"reader.ReadNullable{plain}"
            : $"{nullable} ? reader.ReadNullable{plain} : reader.Read{plain}";
    }

    private static string WriteStatement(FieldSchema field)
    {
        string plain = field switch
        {
            { IsArray: true, IsStructure: true } => $"Array({field.Name}, version);",
            { IsArray: true } => $"{Method(field.Type)}Array({field.Name});",
            { IsStructure: true } => $"Struct({field.Name}{(field.Tag is null ? "" : "!")}, version);",
            _ => $"{Method(field.Type)}({field.Name});",
        };
        string nullable = Condition(field.Nullable, field.Versions);
        if (field.Nullable is null || nullable.Length == 0)
        {
            return $"writer.Write{(field.Nullable is null ? "" : "Nullable")}{plain}";
        }

        return $$"""
            if ({{nullable}})
            {
                writer.WriteNullable{{plain}}
            }
            else
            {
                writer.Write{{plain}}
            }

            """;
    }

    private static string Method(string type) => type switch
    {
        "bool" => "Boolean",
        _ => char.ToUpperInvariant(type[0]) + type[1..],
    };

    private static string PropertyType(FieldSchema field)
    {
        string type = field.Type switch
        {
            "bool" => "bool",
            "int8" => "sbyte",
            "int16" => "short",
            "int32" => "int",
            "int64" => "long",
            "error" => "KafkaError",
            "uuid" => "Guid",
            "string" => "string",
            "bytes" => "byte[]",
            "records" => "KafkaRecords",
            string structure => structure,
        };
        string property = field.IsArray ? $"IReadOnlyList<{type}>" : type;
        return field.Nullable is not null || (field is { IsStructure: true, IsArray: false }) ? property + "?" : property;
    }

    private static string Initial(FieldSchema field)
    {
        if (field.Default is not null)
        {
            return field.Default == "null" ? "" : field.Default;
        }

        return field switch
        {
            { IsArray: true } => "[]",
            { Type: "string" } => "\"\"",
            { Type: "bytes" } => "[]",
            _ => "",
        };
    }

    private static string Differs(FieldSchema field) => field switch
    {
        { IsArray: true, Nullable: null } => $"{field.Name}.Count > 0",
        { IsStructure: true } or { Default: "null" } => $"{field.Name} is not null",
        { Type: "bool", Default: null } => field.Name,
        { Type: "error" } => $"{field.Name} != KafkaError.None",
        { Type: "int8" or "int16" or "int32" or "int64" } => $"{field.Name} != {field.Default ?? "0"}",
        _ => throw new FormatException($"{field.Name}: a tagged field of this type and default is not known to the generator"),
    };

    /// <summary>Empty where every surrounding version has it.</summary>
    private static string Condition(Versions? versions, Versions outer) => versions switch
    {
        null => "",
        { } v when v == outer => "",
        { } v when v.Max == outer.Max => $"version >= {v.Min}",
        { } v when v.Min == outer.Min => $"version <= {v.Max}",
        { } v when v.Min == v.Max => $"version == {v.Min}",
        { } v => $"version is >= {v.Min} and <= {v.Max}",
    };

    private static string VersionsText(Versions versions, Versions outer) => versions switch
    {
        _ when versions == outer => "",
        _ when versions.Max == outer.Max => $" From version {versions.Min} on.",
        _ when versions.Min == outer.Min => $" Up to version {versions.Max}.",
        _ => $" Versions {versions.Min} to {versions.Max}.",
    };

    private string MinBytesExpression(IReadOnlyList<FieldSchema> fields, Versions versions)
    {
        var runs = new List<(short Last, int Bytes)>();
        for (short version = versions.Min; version <= versions.Max; version++)
        {
            int bytes = MinBytes(fields, version);
            if (runs.Count > 0 && runs[^1].Bytes == bytes)
            {
                runs.RemoveAt(runs.Count - 1);
            }

            runs.Add((version, bytes));
        }

        return runs.Count == 1
            ? runs[0].Bytes.ToString(CultureInfo.InvariantCulture)
            : $"version switch {{ {string.Join(", ", runs.SkipLast(1).Select(run => $"<= {run.Last} => {run.Bytes}"))}, _ => {runs[^1].Bytes} }}";
    }

    private int MinBytes(IReadOnlyList<FieldSchema> fields, short version)
    {
        bool isFlexible = version >= _api.FirstFlexible;
        return fields.Where(field => field.Tag is null && field.Versions.Contains(version)).Sum(field => field switch
        {
            { IsArray: true } or { Type: "bytes" or "records" } => isFlexible ? 1 : 4,
            { IsStructure: true } => MinBytes(field.Fields, version),
            { Type: "bool" or "int8" } => 1,
            { Type: "int16" or "error" } => 2,
            { Type: "int32" } => 4,
            { Type: "int64" } => 8,
            { Type: "uuid" } => 16,
            { Type: "string" } => isFlexible ? 1 : 2,
            _ => throw new FormatException($"{field.Name}: unknown type {field.Type}"),
        }) + (isFlexible ? 1 : 0);
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private void Open()
    {
        Line("{");
        _indent++;
    }

    private void Close()
    {
        _indent--;
        TrimEmptyLine();
        Line("}");
    }

    /// <summary>No empty line stands before a closing brace.</summary>
    private void TrimEmptyLine()
    {
        if (_code.Length >= 2 && _code[^1] == '\n' && _code[^2] == '\n')
        {
            _code.Length--;
        }
    }

    private void Line() => _code.Append('\n');

    private void Line(string text)
    {
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            _code.Append(line.Length == 0 ? "" : new string(' ', 4 * _indent)).Append(line).Append('\n');
        }
    }
}
