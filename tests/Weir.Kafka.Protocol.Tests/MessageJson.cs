using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>Messages as JSON: properties under their names, bytes and records in hexadecimal, error codes as numbers. What the JSON leaves out keeps its default.</summary>
internal static class MessageJson
{
    public static IKafkaMessage Make(Api api, bool isRequest, JsonObject values) =>
        (IKafkaMessage)MakeStructure(typeof(Api).Assembly.GetType($"Weir.Kafka.Protocol.Messages.{api.Name}{(isRequest ? "Request" : "Response")}", throwOnError: true)!, values);

    /// <summary>Every property, defaults included.</summary>
    public static JsonObject Print(object message)
    {
        var printed = new JsonObject();
        foreach (PropertyInfo property in message.GetType().GetProperties())
        {
            printed.Add(property.Name, PrintValue(property.GetValue(message)));
        }

        return printed;
    }

    private static object MakeStructure(Type type, JsonObject values)
    {
        object made = Activator.CreateInstance(type)!;
        foreach ((string name, JsonNode? value) in values)
        {
            PropertyInfo property = type.GetProperty(name) ?? throw new InvalidOperationException($"{type.Name} has no {name}");
            property.SetValue(made, value is null ? null : MakeValue(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, value));
        }

        return made;
    }

    private static object MakeValue(Type type, JsonNode value)
    {
        if (value is JsonArray elements)
        {
            Type element = type.GetGenericArguments()[0];
            var array = Array.CreateInstance(element, elements.Count);
            for (int i = 0; i < elements.Count; i++)
            {
                array.SetValue(MakeValue(element, elements[i]!), i);
            }

            return array;
        }

        return Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => value.GetValue<bool>(),
            TypeCode.SByte => value.GetValue<sbyte>(),
            TypeCode.Int16 when type.IsEnum => (KafkaError)value.GetValue<short>(),
            TypeCode.Int16 => value.GetValue<short>(),
            TypeCode.Int32 => value.GetValue<int>(),
            TypeCode.Int64 => value.GetValue<long>(),
            TypeCode.String => value.GetValue<string>(),
            _ when type == typeof(Guid) => Guid.Parse(value.GetValue<string>()),
            _ when type == typeof(byte[]) => Convert.FromHexString(value.GetValue<string>()),
            _ when type == typeof(KafkaRecords) => new KafkaRecords(Convert.FromHexString(value.GetValue<string>())),
            _ => MakeStructure(type, value.AsObject()),
        };
    }

    private static JsonNode? PrintValue(object? value) => value switch
    {
        null => null,
        string text => text,
        bool flag => flag,
        sbyte number => number,
        short number => number,
        int number => number,
        long number => number,
        KafkaError error => (short)error,
        Guid uuid => uuid.ToString(),
        byte[] bytes => Convert.ToHexStringLower(bytes),
        KafkaRecords records => Convert.ToHexStringLower(records.Memory.Span),
        IEnumerable values => new JsonArray([.. values.Cast<object>().Select(PrintValue)]),
        _ => Print(value),
    };
}
