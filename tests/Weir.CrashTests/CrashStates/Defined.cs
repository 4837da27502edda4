using System.Text.Json;

namespace Weir.CrashTests.CrashStates;

/// <summary>What is defined at run time after some requests: streams with the rule that changes and their phase, and views.</summary>
internal sealed class Defined
{
    private const string DefaultGrace = "1s";

    public static readonly string[] StreamNames = [StateWorkload.Closed, StateWorkload.Cut];
    public static readonly string[] ViewNames = ["hauled", "points"];

    private readonly Dictionary<string, (string Grace, string Phase)> _streams = [];
    private readonly HashSet<string> _views = [];

    public Defined(IEnumerable<Exchange> exchanges)
    {
        foreach (Exchange exchange in exchanges)
        {
            Apply(exchange.Request.Split('?')[0].Split([' ', '/']), exchange.Body);
        }
    }

    /// <summary>"1s open"; null: there is no such stream.</summary>
    public string? Stream(string name) => _streams.TryGetValue(name, out (string Grace, string Phase) stream) ? $"{stream.Grace} {stream.Phase}" : null;

    public bool HasView(string name) => _views.Contains(name);

    // PUT v1 streams polls; POST v1 streams polls close
    private void Apply(string[] request, string? body)
    {
        string name = request[3];
        switch (request)
        {
            case ["PUT", _, "streams", _]:
                JsonElement definition = JsonDocument.Parse(body!).RootElement;
                string grace = definition.TryGetProperty("grace", out JsonElement given) ? given.GetString()! : DefaultGrace;
                _streams[name] = (grace, _streams.TryGetValue(name, out (string Grace, string Phase) known) ? known.Phase : "open");
                break;
            case ["POST", _, "streams", _, "close"]:
                _streams[name] = _streams[name] with { Phase = "final" };
                break;
            case ["POST", _, "streams", _, "open"]:
                _streams[name] = _streams[name] with { Phase = "open" };
                break;
            case ["PUT", _, "views", _]:
                _views.Add(name);
                break;
            case ["DELETE", _, "views", _]:
                _views.Remove(name);
                break;
        }
    }
}
