using System.Globalization;
using System.Text;

namespace Weir.CodeGen;

/// <summary>All generated files of Weir.Kafka.Protocol.</summary>
public static class KafkaCode
{
    /// <summary>Every schema of a folder, by API number.</summary>
    /// <exception cref="FormatException">A file is not a schema.</exception>
    public static IReadOnlyList<ApiSchema> ReadSchemas(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.kafka").Select(file => ApiSchema.Parse(File.ReadAllText(file), Path.GetFileName(file))).OrderBy(api => api.Key)];

    /// <returns>Path in the project, with '/', to the file's text.</returns>
    public static SortedDictionary<string, string> Generate(IReadOnlyList<ApiSchema> apis)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["ApiTable.cs"] = Table(apis) };
        foreach (ApiSchema api in apis)
        {
            files.Add($"Messages/{api.Name}Request.cs", MessageWriter.Write(api, isRequest: true));
            files.Add($"Messages/{api.Name}Response.cs", MessageWriter.Write(api, isRequest: false));
        }

        return files;
    }

    private static string Table(IReadOnlyList<ApiSchema> apis)
    {
        var code = new StringBuilder("""
            // Written by eng/Weir.CodeGen from Schema/. Change that, and run it.
            using System.Collections.Frozen;
            using System.Diagnostics.CodeAnalysis;
            using Weir.Kafka.Protocol.Messages;

            namespace Weir.Kafka.Protocol;

            /// <summary>Numbers of the APIs on the wire.</summary>
            public enum ApiKey : short
            {

            """);
        foreach (ApiSchema api in apis)
        {
            code.Append(CultureInfo.InvariantCulture, $"    {api.Name} = {api.Key},\n");
        }

        code.Append("""
            }

            /// <summary>The APIs and versions that this codec can read and write.</summary>
            public static class ApiTable
            {

            """);
        foreach (ApiSchema api in apis)
        {
            string flexible = api.FirstFlexible == short.MaxValue ? "short.MaxValue" : api.FirstFlexible.ToString(CultureInfo.InvariantCulture);
            code.Append(CultureInfo.InvariantCulture, $"    /// <summary>Versions {api.Versions.Min} to {api.Versions.Max}, {(flexible.StartsWith('s') ? "none of them flexible" : $"flexible from {flexible} on")}.</summary>\n");
            code.Append(CultureInfo.InvariantCulture, $"    public static readonly Api {api.Name} = new(ApiKey.{api.Name}, min: {api.Versions.Min}, max: {api.Versions.Max}, firstFlexible: {flexible}, {api.Name}Request.Read, {api.Name}Response.Read);\n\n");
        }

        code.Append(CultureInfo.InvariantCulture, $$"""
                /// <summary>Every row, by number.</summary>
                public static IReadOnlyList<Api> All { get; } = [{{string.Join(", ", apis.Select(api => api.Name))}}];

                private static FrozenDictionary<short, Api> ByKey { get; } = All.ToFrozenDictionary(api => (short)api.Key);

                /// <summary>Finds the row of an API number as it is on the wire.</summary>
                public static bool TryGet(short key, [NotNullWhen(true)] out Api? api) => ByKey.TryGetValue(key, out api);
            }

            """);
        return code.ToString().ReplaceLineEndings("\n");
    }
}
