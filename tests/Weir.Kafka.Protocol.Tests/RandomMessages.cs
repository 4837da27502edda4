using System.Collections;
using System.Reflection;
using System.Text;
using Weir.CodeGen;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>Fills messages with random values, and compares them, by walking the schema and not by the generated code.</summary>
/// <param name="isShort">False: among the strings are some of 16 KiB, where a compact length takes its third byte.</param>
internal sealed class RandomMessages(Random random, bool isShort)
{
    private const int MostElements = 3;

    /// <summary>A message that the version can carry. A field that the version lacks has a value all the same: writing must leave it out.</summary>
    public IKafkaMessage Make(Api api, bool isRequest, short version) =>
        (IKafkaMessage)MakeStructure(TypeOf(api, isRequest), Schemas.Fields(api.Key, isRequest), version);

    /// <summary>What differs, as a path into the message; null: nothing. A field that the version lacks must have its default in <paramref name="read"/>.</summary>
    public static string? Difference(Api api, bool isRequest, short version, IKafkaMessage written, IKafkaMessage read) =>
        Difference(Schemas.Fields(api.Key, isRequest), version, written, read);

    private static Type TypeOf(Api api, bool isRequest)
    {
        string name = $"Weir.Kafka.Protocol.Messages.{api.Name}{(isRequest ? "Request" : "Response")}";
        return typeof(Api).Assembly.GetType(name, throwOnError: true)!;
    }

    private object MakeStructure(Type type, IReadOnlyList<FieldSchema> fields, short version)
    {
        object made = Activator.CreateInstance(type)!;
        foreach (FieldSchema field in fields)
        {
            PropertyInfo property = type.GetProperty(field.Name)!;
            property.SetValue(made, MakeField(property.PropertyType, field, version));
        }

        return made;
    }

    private object? MakeField(Type type, FieldSchema field, short version)
    {
        bool isOptional = field is { IsStructure: true, IsArray: false };
        if ((field.Nullable?.Contains(version) == true || isOptional) && random.Next(3) == 0)
        {
            return null;
        }

        if (!field.IsArray)
        {
            return MakeValue(type, field, version);
        }

        Type element = type.GetGenericArguments()[0];
        var values = Array.CreateInstance(element, random.Next(MostElements + 1));
        for (int i = 0; i < values.Length; i++)
        {
            values.SetValue(MakeValue(element, field, version), i);
        }

        return values;
    }

    private object MakeValue(Type type, FieldSchema field, short version)
    {
        if (field.IsStructure)
        {
            return MakeStructure(type, field.Fields, version);
        }

        byte[] bytes = new byte[16];
        random.NextBytes(bytes);
        long number = random.Next(4) switch { 0 => long.MaxValue, 1 => long.MinValue, 2 => random.Next(-1, 2), _ => random.NextInt64() };
        return field.Type switch
        {
            "bool" => random.Next(2) == 0,
            "int8" => unchecked((sbyte)number),
            "int16" => unchecked((short)number),
            "int32" => unchecked((int)number),
            "int64" => number,
            "error" => (KafkaError)random.Next(-1, 200),
            "uuid" => new Guid(bytes),
            "string" => MakeString(),
            "bytes" => MakeBytes(),
            "records" => new KafkaRecords(MakeBytes()),
            _ => throw new InvalidOperationException(field.Type),
        };
    }

    /// <summary>Short for the most part; lengths at the ends of one and two bytes of a compact length as well.</summary>
    private int MakeLength() => random.Next(8) switch { 0 => 0, 1 => random.Next(125, 131), 2 when !isShort && random.Next(20) == 0 => random.Next(16_380, 16_390), _ => random.Next(20) };

    private byte[] MakeBytes()
    {
        byte[] bytes = new byte[MakeLength()];
        random.NextBytes(bytes);
        return bytes;
    }

    private string MakeString()
    {
        string[] letters = ["a", "Z", "-", "é", "漢", "🙂"];
        var text = new StringBuilder();
        for (int left = MakeLength(); left > text.Length;)
        {
            text.Append(left > 1_000 ? "x" : letters[random.Next(letters.Length)]);
        }

        return text.ToString();
    }

    private static string? Difference(IReadOnlyList<FieldSchema> fields, short version, object written, object read)
    {
        object defaults = Activator.CreateInstance(written.GetType())!;
        foreach (FieldSchema field in fields)
        {
            PropertyInfo property = written.GetType().GetProperty(field.Name)!;
            object? expected = property.GetValue(field.Versions.Contains(version) ? written : defaults);
            string? difference = Difference(field, version, expected, property.GetValue(read));
            if (difference is not null)
            {
                return $"{field.Name}{difference}";
            }
        }

        return null;
    }

    private static string? Difference(FieldSchema field, short version, object? expected, object? found)
    {
        if (expected is null || found is null)
        {
            return ReferenceEquals(expected, found) ? null : $": '{expected}' and '{found}'";
        }

        if (field.IsArray)
        {
            object[] wanted = [.. ((IEnumerable)expected).Cast<object>()];
            object[] got = [.. ((IEnumerable)found).Cast<object>()];
            return wanted.Length != got.Length
                ? $": {wanted.Length} values and {got.Length}"
                : wanted.Select((value, i) => Difference(field with { IsArray = false }, version, value, got[i]) is { } inner ? $"[{i}]{inner}" : null).FirstOrDefault(inner => inner is not null);
        }

        if (field.IsStructure)
        {
            return Difference(field.Fields, version, expected, found) is { } inner ? $".{inner}" : null;
        }

        bool isEqual = (expected, found) switch
        {
            (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
            (KafkaRecords a, KafkaRecords b) => a.Memory.Span.SequenceEqual(b.Memory.Span),
            _ => expected.Equals(found),
        };
        return isEqual ? null : $": '{expected}' and '{found}'";
    }
}
