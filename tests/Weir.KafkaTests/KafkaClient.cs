using System.ComponentModel;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>
/// A Kafka client that these tests run: a program in <c>clients</c>, and what it is able to do. Where it is not installed <see cref="Missing"/> says what is lacking.
/// </summary>
/// <remarks>
/// A program takes a command and options, name=value (servers, topic, …), and tells one JSON object a line, whose names are those of <c>kcat -J</c>:
/// <list type="bullet">
/// <item><c>version</c>: its own version, as text.</item>
/// <item><c>produce</c>: writes the lines of its input, key, tab, value, as they come; ends in order when all are acknowledged. Options codec, idempotent.</item>
/// <item><c>consume</c>: tells all records from the start to the end. Option count: as many as there are.</item>
/// <item><c>since</c>: asks for the offsets of a time, option since in milliseconds, and tells the records from there to the end.</item>
/// <item><c>member</c>: consumes as a member of a group, option group, and commits, until SIGTERM; tells records and, where it can, what is committed.</item>
/// <item><c>admin</c>: does what each line of its input says, and tells an answer or an error.</item>
/// </list>
/// </remarks>
internal sealed class KafkaClient
{
    private readonly string[] _program;

    /// <param name="name">As its users know it.</param>
    /// <param name="partitioner">The stream's partitioner that goes with its default one.</param>
    /// <param name="codecs">What it compresses with where it is installed as here.</param>
    /// <param name="program">Program and first arguments.</param>
    /// <param name="lack">Named where it cannot be started.</param>
    /// <param name="missing">Why it need not be tried; null: it may be there.</param>
    public KafkaClient(string name, string partitioner, string[] codecs, string[] program, string lack, string? missing = null)
    {
        (Name, Partitioner, Codecs, _program, Missing) = (name, partitioner, codecs, program, missing);
        if (missing is not null)
        {
            return;
        }

        try
        {
            using LineProcess process = LineProcess.Start([.. program, "version"]);
            Version = process.EndAsync().GetAwaiter().GetResult() is [{ Length: > 0 } version] ? version : null;
            Missing = Version is null ? $"{lack}: it does not tell its version" : null;
        }
        catch (Exception failure) when (failure is Win32Exception or InvalidOperationException)
        {
            Missing = $"{lack}: {failure.Message}";
        }
    }

    public string Name { get; }

    public string Partitioner { get; }

    public IReadOnlyList<string> Codecs { get; }

    /// <summary>Null where it is not installed.</summary>
    public string? Version { get; }

    /// <summary>Why it cannot be run here; null: it can.</summary>
    public string? Missing { get; }

    /// <summary>It hands markers, which are control records, to its user as if they were messages.</summary>
    public bool TakesMarkersForMessages { get; init; }

    /// <summary>It has an idempotent producer.</summary>
    public bool IsIdempotent { get; init; }

    /// <summary>It has an idempotent producer which does not always get through: no test relies on it, and the page says so.</summary>
    public bool HasUnreliableIdempotence { get; init; }

    /// <summary>What its admin client can do, of the steps of <see cref="Scenarios.AdminScenario"/>.</summary>
    public IReadOnlyList<string> AdminSteps { get; init; } = [];

    /// <summary>Starts one of its commands.</summary>
    /// <param name="options">name=value.</param>
    public LineProcess Start(string command, WeirServer server, params string[] options) =>
        LineProcess.Start([.. _program, command, $"servers={server.KafkaServers}", .. options]);

    /// <summary>Runs a command to its end.</summary>
    /// <param name="input">Lines it is told.</param>
    public async Task<IReadOnlyList<string>> RunAsync(string command, WeirServer server, IEnumerable<string> input, params string[] options)
    {
        using LineProcess process = Start(command, server, options);
        foreach (string line in input)
        {
            await process.WriteAsync(line);
        }

        return await process.EndAsync();
    }

    /// <summary>Has it read.</summary>
    /// <param name="count">So many events are there; for clients that do not know where a partition ends.</param>
    public async Task<IReadOnlyList<ToldRecord>> ReadAsync(string command, WeirServer server, int count, params string[] options) =>
        Told.Records(await RunAsync(command, server, [], [.. options, $"count={count}"]));
}
