using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Weir.PlantedTests;

/// <summary>The build with the defects in it, in artifacts/planted: nothing else is built there, and it is built nowhere else.</summary>
internal static class PlantedBuild
{
    private static readonly TimeSpan LongestBuild = TimeSpan.FromMinutes(15);

    public static string Root { get; } = FindRoot();

    private static string Artifacts => Path.Combine(Root, "artifacts", "planted");

    public static void Make(string project)
    {
        // Its own code is analysed in the build without defects.
        string[] arguments = [Path.Combine(Root, "tests", project), "-p:WeirPlanted=true", "-p:RunAnalyzers=false", "--artifacts-path", Artifacts];
        (int code, string output) = Run(Path.Combine(Root, "eng", "build"), arguments, LongestBuild);
        Assert.True(code == 0, output);
    }

    /// <summary>Runs a program of it with one defect alive.</summary>
    public static (int Code, string Output) Run(string project, string program, string defect, string[] arguments, TimeSpan longest) =>
        Run(Path.Combine(Artifacts, "bin", project, "release", program), arguments, longest, defect);

    private static (int Code, string Output) Run(string program, string[] arguments, TimeSpan longest, string? defect = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["WEIR_PLANT"] = defect;
        start.Environment["WEIR_TEST_SCALE"] = "short";
        start.Environment.TryAdd("DOTNET_ROOT", Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..")));
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(longest))
        {
            // A defect may make its catcher hang. That is no verdict, and must not look like one.
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            return (-1, $"{program} has not ended within {longest}.\n{output.Result}{error.Result}");
        }

        return (process.ExitCode, output.Result + error.Result);
    }

    private static string FindRoot([CallerFilePath] string here = "")
    {
        DirectoryInfo? directory = new FileInfo(here).Directory;
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Weir.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException($"There is no Weir.slnx above {here}.");
    }
}
