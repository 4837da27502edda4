using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Core;

namespace Weir.Cli.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("nonsense")]
    [InlineData("send")]
    [InlineData("send votes")]
    [InlineData("view")]
    [InlineData("demo --port twelve")]
    [InlineData("recount results --nonsense")]
    [InlineData("log")]
    public async Task A_wrong_command_line_exits_with_2_says_so_and_prints_no_result(string line)
    {
        CommandRun run = await CommandRun.OfAsync(line.Split(' '));

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.NotEmpty(run.Error);
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task Help_and_version_exit_with_0()
    {
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync("--help")).Code);
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync("--version")).Code);
        Assert.Contains("Usage:", (await CommandRun.OfAsync("send", "--help")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_explains_a_code_with_and_without_its_prefix()
    {
        CommandRun run = await CommandRun.OfAsync("errors", "WEIR-1203");

        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.Equal(
            """
            WEIR-1203  A field of the stream's key is missing, null or empty.
              HTTP status 422. A retry of the same request cannot help.
              Send the field; `weir streams` shows which fields form the key.

            """,
            run.Out);
        Assert.Equal(run.Out, (await CommandRun.OfAsync("errors", "1203")).Out);
    }

    [Fact]
    public async Task Errors_lists_every_code_as_JSON()
    {
        JsonArray all = (await CommandRun.OfAsync("errors", "--json")).Json.AsArray();

        Assert.Equal(WeirErrors.All.Select(info => info.Name), all.Select(row => row!["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Errors_of_an_unknown_code_exits_with_2()
    {
        CommandRun run = await CommandRun.OfAsync("errors", "WEIR-9");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("WEIR-9", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("view results --url 127.0.0.1:1")]
    [InlineData("recount results --url http://127.0.0.1:1")]
    [InlineData("streams --url http://127.0.0.1:1")]
    [InlineData("tail votes --url http://127.0.0.1:1")]
    [InlineData("dead-letters votes --url http://127.0.0.1:1")]
    public async Task A_server_that_does_not_answer_exits_with_3_and_names_the_address(string line)
    {
        CommandRun run = await CommandRun.OfAsync(line.Split(' '));

        Assert.Equal(ExitCode.Unreachable, run.Code);
        Assert.StartsWith("WEIR-4009: The server does not answer.\n  http://127.0.0.1:1/ ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task An_address_that_is_none_exits_with_1_before_anything_is_sent()
    {
        CommandRun run = await CommandRun.OfAsync("view", "results", "--url", "ftp://example.org");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("WEIR-1307", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_of_a_missing_file_exits_with_2_before_anything_is_sent()
    {
        CommandRun run = await CommandRun.OfAsync("send", "votes", "/no/such/file.ndjson", "--url", "http://127.0.0.1:1");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.StartsWith("WEIR-3012", run.Error, StringComparison.Ordinal);
        Assert.Contains("/no/such/file.ndjson", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_that_prints_a_result_takes_json()
    {
        // `serve` prints no result; its banner and log are for people.
        string[] without = ["weir serve"];
        RootCommand root = CommandLine.Tree(new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false, hasColor: false));
        foreach (Command command in Leaves(root).Where(command => !command.Hidden && !without.Contains(CommandLine.PathOf(command))))
        {
            Assert.Contains(command.Options, option => option.Name == "--json");
        }
    }

    [Fact]
    public void The_reference_in_the_repository_is_the_one_that_the_tree_gives()
    {
        RootCommand root = CommandLine.Tree(new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false, hasColor: false));
        string page = CommandReference.Markdown(root);
        string file = Repository.PathOf("docs", "reference", "cli.md");
        if (Environment.GetEnvironmentVariable("WEIR_WRITE_PAGES") == "1")
        {
            File.WriteAllText(file, page);
        }

        Assert.Equal(page, File.ReadAllText(file));
    }

    private static IEnumerable<Command> Leaves(Command command) =>
        command.Subcommands.Count == 0 ? [command] : command.Subcommands.Where(child => !child.Hidden).SelectMany(Leaves);
}
