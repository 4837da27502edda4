using System.Runtime.CompilerServices;
using Weir.CodeGen;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>The schema files, and every message that they describe.</summary>
internal static class Schemas
{
    public static string ProjectFolder { get; } = Path.GetFullPath(Path.Combine(TestFolder(), "../../src/Weir.Kafka.Protocol"));

    public static IReadOnlyList<ApiSchema> All { get; } = KafkaCode.ReadSchemas(Path.Combine(ProjectFolder, "Schema"));

    /// <summary>API, request or response, version: everything that can be on the wire.</summary>
    public static IEnumerable<TheoryDataRow<ApiKey, bool, short>> Messages =>
        from api in All
        from isRequest in new[] { true, false }
        from version in Enumerable.Range(api.Versions.Min, api.Versions.Max - api.Versions.Min + 1)
        select new TheoryDataRow<ApiKey, bool, short>((ApiKey)api.Key, isRequest, (short)version);

    public static IReadOnlyList<FieldSchema> Fields(ApiKey key, bool isRequest)
    {
        ApiSchema api = All.Single(api => api.Key == (short)key);
        return isRequest ? api.Request : api.Response;
    }

    private static string TestFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
