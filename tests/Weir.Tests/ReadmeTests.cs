using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Weir.Cli.Load;

namespace Weir.Cli.Tests;

/// <summary>Every command that README.md shows, run in its order against a server of examples/voting; `…` in an answer stands for anything.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-readme-").FullName;

    private static string Readme { get; } = File.ReadAllText(Repository.PathOf("README.md"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Commands_answer_as_the_README_shows()
    {
        Assert.SkipUnless(HasCurl(), "curl is not installed");
        int port = ServerProcess.FreePort();
        using var server = new ServerProcess(
            ["serve", Repository.PathOf("examples", "voting", "weir.yaml"), "--listen", $"127.0.0.1:{port}", "--data", Path.Combine(_folder, "data")],
            Path.Combine(_folder, "server.log"),
            new IPEndPoint(IPAddress.Loopback, port));
        await server.StartAsync(TimeSpan.FromMinutes(1), CancellationToken.None);

        (string Command, string Answer)[] shown = [.. Blocks("console").SelectMany(Commands)];
        Assert.True(shown.Length >= 8, "the README shows the commands of a first visit");
        foreach ((string command, string answer) in shown)
        {
            string found = await RunAsync(command, port);
            Assert.Matches(Pattern(answer), found);
        }
    }

    [Fact]
    public async Task The_configuration_shown_is_one_that_starts()
    {
        string file = Path.Combine(_folder, "weir.yaml");
        await File.WriteAllTextAsync(file, Assert.Single(Blocks("yaml")));

        CommandRun run = await CommandRun.OfAsync("config", "explain", "--config", file);

        Assert.True(run.Code == ExitCode.Ok, run.Error);
    }

    [Fact]
    public void The_two_commands_are_there()
    {
        string block = Assert.Single(Blocks(""));

        foreach (string line in block.TrimEnd('\n').Split('\n'))
        {
            string program = line.Split(' ')[0];
            Assert.True(File.Exists(Repository.PathOf(program)), line);
        }

        Assert.Contains("./weir demo", block, StringComparison.Ordinal);
        Assert.Contains("./test", block, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Blocks(string language) =>
        Fence().Matches(Readme).Where(block => block.Groups["language"].Value == language).Select(block => block.Groups["text"].Value);

    /// <summary>A line that begins with "$ " is a command; what follows up to the next one is its answer.</summary>
    private static IEnumerable<(string Command, string Answer)> Commands(string block) =>
        block.Split("$ ", StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('\n', 2)).Select(parts => (parts[0], parts[1]));

    private static string Pattern(string answer) => $"(?s)^{Regex.Escape(answer.TrimEnd('\n')).Replace("…", ".*", StringComparison.Ordinal)}\\s*$";

    private static bool HasCurl() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "curl")));

    private static async Task<string> RunAsync(string command, int port)
    {
        // A live feed has no end of its own.
        command = command.Replace("localhost:8080", $"127.0.0.1:{port}", StringComparison.Ordinal).Replace("curl -N", "curl -N --max-time 2", StringComparison.Ordinal);
        var start = new ProcessStartInfo("bash", ["-c", command.Replace("./weir", Path.Combine(AppContext.BaseDirectory, "weir"), StringComparison.Ordinal)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };
        start.Environment["WEIR_URL"] = $"http://127.0.0.1:{port}";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        await error;
        return await output;
    }

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
