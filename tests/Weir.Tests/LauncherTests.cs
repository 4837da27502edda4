using System.Diagnostics;

namespace Weir.Cli.Tests;

/// <summary>./weir and ./test in a small tree of their own, with a `dotnet` that only pretends to build.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LauncherTests : IDisposable
{
    private const string FakeDotnet = """
        #!/bin/sh
        # Pretends to be the SDK: `build … -o FOLDER` leaves a program there that prints its arguments and exits with the first one.
        case "$1" in
          --version) echo 10.0.401; exit 0 ;;
          --list-sdks) echo "8.0.100 [/x]"; exit 0 ;;
        esac
        echo build >>"$FAKE_LOG"
        sleep 0.2
        if [ -n "$FAKE_FAILS" ]; then echo "error CS1002: ; expected"; exit 1; fi
        while [ $# -gt 0 ]; do
          if [ "$1" = -o ]; then
            mkdir -p "$2"
            printf '#!/bin/sh\necho "pid $$ args $*"\nexit "${1:-0}"\n' >"$2/weir"
            chmod +x "$2/weir"
          fi
          shift
        done
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("weir-launcher-").FullName;

    public LauncherTests()
    {
        foreach (string folder in (string[])["src/Weir", "eng", "bin", "tests"])
        {
            Directory.CreateDirectory(PathOf(folder));
        }

        File.Copy(Repository.PathOf("weir"), PathOf("weir"));
        File.Copy(Repository.PathOf("test"), PathOf("test"));
        File.Copy(Repository.PathOf("eng/build"), PathOf("eng/build"));
        File.WriteAllText(PathOf("src/Weir/Program.cs"), "return 0;");
        File.WriteAllText(PathOf("eng/Library.props"), "<Project/>");
        File.WriteAllText(PathOf("Directory.Build.props"), "<Project/>");
        File.WriteAllText(PathOf("global.json"), "{}");
        WriteScript("bin/dotnet", FakeDotnet);
    }

    private int Builds => File.Exists(PathOf("builds.log")) ? File.ReadAllLines(PathOf("builds.log")).Length : 0;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task The_first_run_builds_and_says_so_the_second_does_not()
    {
        ScriptRun first = await RunAsync("weir", "0", "a b");
        ScriptRun second = await RunAsync("weir", "0", "a b");

        Assert.Equal(0, first.Code);
        Assert.Matches(@"^Building… done in \d+ s \(once\)\n$", first.Error);
        Assert.EndsWith("args 0 a b\n", first.Out, StringComparison.Ordinal);
        Assert.Empty(second.Error);
        Assert.Equal(1, Builds);
    }

    [Fact]
    public async Task The_launcher_becomes_the_program_with_its_pid_and_its_exit_code()
    {
        await RunAsync("weir");

        ScriptRun run = await RunAsync("weir", "3");

        Assert.Equal(3, run.Code);
        Assert.Equal($"pid {run.ProcessId} args 3\n", run.Out);
    }

    [Theory]
    [InlineData("src/Weir/Program.cs")]
    [InlineData("eng/Library.props")]
    [InlineData("Directory.Build.props")]
    [InlineData("global.json")]
    public async Task A_change_of_what_is_built_from_builds_again(string file)
    {
        await RunAsync("weir");
        await File.AppendAllTextAsync(PathOf(file), " ");

        await RunAsync("weir");

        Assert.Equal(2, Builds);
    }

    [Fact]
    public async Task Output_of_a_build_and_documents_do_not_build_again()
    {
        await RunAsync("weir");
        Directory.CreateDirectory(PathOf("src/Weir/obj"));
        await File.WriteAllTextAsync(PathOf("src/Weir/obj/made.cs"), "");
        await File.WriteAllTextAsync(PathOf("README.md"), "");

        await RunAsync("weir");

        Assert.Equal(1, Builds);
    }

    [Fact]
    public async Task Two_at_once_build_once()
    {
        ScriptRun[] runs = await Task.WhenAll(RunAsync("weir", "0"), RunAsync("weir", "0"), RunAsync("weir", "0"));

        Assert.All(runs, run => Assert.Equal(0, run.Code));
        Assert.Equal(1, Builds);
    }

    [Fact]
    public async Task A_build_that_fails_shows_why_and_leaves_nothing_that_runs()
    {
        ScriptRun failed = await RunAsync("weir", [], ("FAKE_FAILS", "1"));
        ScriptRun mended = await RunAsync("weir");

        Assert.Equal(1, failed.Code);
        Assert.Contains("error CS1002", failed.Error, StringComparison.Ordinal);
        Assert.Empty(failed.Out);
        Assert.Equal(0, mended.Code);
    }

    [Fact]
    public async Task A_missing_SDK_is_named()
    {
        File.Delete(PathOf("bin/dotnet"));

        ScriptRun run = await RunAsync("weir", [], ("PATH", PathOf("bin") + ":/bin-without-dotnet:" + CoreTools()));

        Assert.Equal(1, run.Code);
        Assert.Contains("the .NET SDK 10.0.100 or newer is needed and no 'dotnet' is on the PATH", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_old_SDK_is_named_with_what_was_found()
    {
        WriteScript("bin/dotnet", FakeDotnet.Replace("echo 10.0.401; exit 0", "exit 145", StringComparison.Ordinal));

        ScriptRun run = await RunAsync("weir");

        Assert.Equal(1, run.Code);
        Assert.Contains("the .NET SDK 10.0.100 or newer is needed; found: 8.0.100", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, Builds);
    }

    [Fact]
    public async Task Test_adds_up_its_projects_and_names_what_is_skipped()
    {
        WriteTestProject("A.Tests", passed: 3, failed: 0, skipped: 0, code: 0);
        WriteTestProject("B.BrowserTests", passed: 2, failed: 0, skipped: 1, code: 0);

        ScriptRun run = await RunAsync("test");

        Assert.Equal(0, run.Code);
        Assert.Equal("5 passed, 0 failed, 1 skipped", LastLine(run));
        Assert.Contains("needs a tool", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_fails_when_a_test_fails_and_shows_its_output()
    {
        WriteTestProject("A.Tests", passed: 3, failed: 1, skipped: 0, code: 1);

        ScriptRun run = await RunAsync("test");

        Assert.Equal(1, run.Code);
        Assert.Equal("3 passed, 1 failed", LastLine(run));
        Assert.Contains("output of A.Tests", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 139")]
    [InlineData("kill -9 $$")]
    [InlineData("exit 0")]
    public async Task A_test_program_that_leaves_no_result_counts_as_one_failed(string end)
    {
        WriteTestProject("A.Tests", passed: 3, failed: 0, skipped: 0, code: 0);
        WriteScript("tests/B.Tests/bin/Release/net10.0/B.Tests", "#!/bin/sh\n" + end + "\n");

        ScriptRun run = await RunAsync("test");

        Assert.Equal(1, run.Code);
        Assert.Equal("3 passed, 1 failed", LastLine(run));
    }

    [Fact]
    public async Task A_test_program_that_was_not_built_counts_as_one_failed()
    {
        Directory.CreateDirectory(PathOf("tests/C.Tests"));

        ScriptRun run = await RunAsync("test");

        Assert.Equal(1, run.Code);
        Assert.Equal("0 passed, 1 failed", LastLine(run));
    }

    [Fact]
    public async Task A_build_that_fails_is_one_failed_with_the_errors_shown()
    {
        WriteTestProject("A.Tests", passed: 3, failed: 0, skipped: 0, code: 0);

        ScriptRun run = await RunAsync("test", [], ("FAKE_FAILS", "1"));

        Assert.Equal(1, run.Code);
        Assert.Equal("0 passed, 1 failed", LastLine(run));
        Assert.Contains("error CS1002", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_projects_run_at_a_time_and_the_output_of_each_stays_together()
    {
        // Each waits for the other before it ends: one after another, both would give up.
        foreach ((string own, string other) in (ReadOnlySpan<(string, string)>)[("A.Tests", "B.Tests"), ("B.Tests", "A.Tests")])
        {
            string meeting = $"""
                #!/bin/sh
                touch "$FAKE_LOG.{own}"
                for i in $(seq 600); do [ -e "$FAKE_LOG.{other}" ] && break; sleep 0.05; done
                [ -e "$FAKE_LOG.{other}" ] || exit 1
                echo "first line of {own}"
                """;
            WriteScript($"tests/{own}/bin/Release/net10.0/{own}", meeting + "\n" + TestProgram(own, passed: 1, failed: 1, skipped: 0, code: 1));
        }

        WriteTestProject("C.Tests", passed: 1, failed: 0, skipped: 0, code: 0);

        ScriptRun run = await RunAsync("test");

        Assert.Equal("3 passed, 2 failed", LastLine(run));
        Assert.All((string[])["A.Tests", "B.Tests"], name => Assert.Matches($@"{name} +1 passed, 1 failed  \d+ s\n    first line of {name}\n    output of {name}\n", run.Out));
    }

    [Fact]
    public void What_test_starts_first_is_there()
    {
        string line = File.ReadLines(Repository.PathOf("test")).Single(line => line.StartsWith("longest=(", StringComparison.Ordinal));
        string[] longest = line["longest=(".Length..^1].Split(' ');

        Assert.All(longest, name => Assert.True(Directory.Exists(Repository.PathOf("tests/" + name)), name));
    }

    [Theory]
    [InlineData("--full", "full")]
    [InlineData("--nightly", "nightly")]
    [InlineData("", "short")]
    public async Task The_scale_reaches_the_test_programs(string option, string scale)
    {
        WriteScript("tests/B.Tests/bin/Release/net10.0/B.Tests", TestProgram("B.Tests", passed: 1, failed: 0, skipped: 0, code: 0) + "\necho \"$WEIR_TEST_SCALE\" >\"$FAKE_LOG.scale\"\n");

        ScriptRun run = await RunAsync("test", option.Length == 0 ? [] : [option], ("WEIR_TEST_SCALE", ""));

        Assert.Equal("1 passed, 0 failed", LastLine(run));
        Assert.Equal(scale + "\n", await File.ReadAllTextAsync(PathOf("builds.log.scale")));
    }

    [Fact]
    public async Task Only_runs_the_projects_whose_name_contains_it()
    {
        WriteTestProject("A.Tests", passed: 3, failed: 0, skipped: 0, code: 0);
        WriteTestProject("B.Tests", passed: 1, failed: 0, skipped: 0, code: 0);

        ScriptRun run = await RunAsync("test", "--only", "B.");

        Assert.Equal("1 passed, 0 failed", LastLine(run));
        Assert.Equal(2, (await RunAsync("test", "--only", "nothing")).Code);
        Assert.Equal(2, (await RunAsync("test", "--nonsense")).Code);
    }

    private static string LastLine(ScriptRun run) => run.Out.TrimEnd('\n').Split('\n')[^1];

    /// <summary>A folder with links to the few programs that the launcher uses, and without dotnet.</summary>
    private string CoreTools()
    {
        string folder = PathOf("tools");
        Directory.CreateDirectory(folder);
        foreach (string tool in (string[])["bash", "env", "dirname", "readlink", "find", "sort", "xargs", "sha256sum", "cut", "mkdir", "rm", "flock", "mv", "cat"])
        {
            string path = new[] { "/bin", "/usr/bin" }.Select(place => Path.Combine(place, tool)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(folder, tool), path);
        }

        return folder;
    }

    private void WriteTestProject(string name, int passed, int failed, int skipped, int code) =>
        WriteScript($"tests/{name}/bin/Release/net10.0/{name}", TestProgram(name, passed, failed, skipped, code));

    private static string TestProgram(string name, int passed, int failed, int skipped, int code) => $$"""
        #!/bin/sh
        echo "output of {{name}}"
        {{(skipped > 0 ? "echo '    Some.Test [SKIP]'; echo '      needs a tool'" : "")}}
        while [ $# -gt 0 ]; do [ "$1" = -xml ] && echo '<assemblies><assembly name="{{name}}" total="{{passed + failed + skipped}}" passed="{{passed}}" failed="{{failed}}" skipped="{{skipped}}" errors="0">' >"$2"; shift; done
        {{(code == 0 ? "" : $"exit {code}")}}
        """;

    private void WriteScript(string path, string text)
    {
        string file = PathOf(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string PathOf(string path) => Path.Combine(_root, path);

    private Task<ScriptRun> RunAsync(string script, params string[] arguments) => RunAsync(script, arguments, []);

    private async Task<ScriptRun> RunAsync(string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(PathOf(script), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = PathOf("bin") + ":" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["WEIR_TEST_TOOLS"] = "checked";
        start.Environment["FAKE_LOG"] = PathOf("builds.log");
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new ScriptRun(process.Id, process.ExitCode, await output, await error);
    }

    private sealed record ScriptRun(int ProcessId, int Code, string Out, string Error);
}
