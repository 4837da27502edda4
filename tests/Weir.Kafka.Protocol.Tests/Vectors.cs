using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>
/// Bytes that others made, in Vectors/: each is three lines, API, direction and version (and what is known of them after <c>--</c>), the values as JSON, the
/// bytes in hexadecimal (<c>-</c>: none). The first lines of a file say who made it.
/// </summary>
internal sealed record Vector(string Name, Api Api, bool IsRequest, short Version, JsonObject Values, byte[] Bytes)
{
    public static IReadOnlyList<Vector> Read(string file)
    {
        string[] lines = [.. File.ReadLines(Path.Combine(Folder(), file)).Where(line => line.Length > 0 && line[0] != '#')];
        return [.. lines.Chunk(3).Select((three, index) => Parse(three, file, index))];
    }

    public static IEnumerable<string> Files => Directory.EnumerateFiles(Folder()).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    private static Vector Parse(string[] three, string file, int index)
    {
        string[] words = three[0].Split(' ');
        Api api = ApiTable.All.Single(api => api.Name == words[0]);
        return new Vector($"{file}[{index}] {three[0]}", api, words[1] == "request", short.Parse(words[2], CultureInfo.InvariantCulture), JsonNode.Parse(three[1])!.AsObject(), three[2] == "-" ? [] : Convert.FromHexString(three[2]));
    }

    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "Vectors");
}
