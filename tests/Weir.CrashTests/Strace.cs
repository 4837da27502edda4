using System.Diagnostics;

namespace Weir.CrashTests;

/// <summary>The wrapper that traces a server and makes its system calls fail. Tests that need it are skipped, with the reason, where it cannot run.</summary>
internal static class Strace
{
    /// <summary>
    /// Arguments in front of the server's: strace as the child's child (-D), so that the process started is the server itself; descriptors with their
    /// paths (-y); only what is asked for stops the process (--seccomp-bpf).
    /// </summary>
    /// <param name="calls">The calls to record: <c>openat,fdatasync</c>.</param>
    /// <param name="shownBytes">How much of each buffer the log shows.</param>
    /// <param name="injections"><c>fdatasync:error=EIO:when=2</c>; strace counts the calls of each thread for itself.</param>
    public static string[] Wrapper(string log, string calls, int shownBytes = 16, params string[] injections) =>
        ["strace", "-D", "-f", "--seccomp-bpf", "-y", "-s", $"{shownBytes}", "-o", log, "-e", "signal=none", "-e", $"trace={calls}", .. injections.SelectMany(injection => new[] { "-e", "inject=" + injection })];

    /// <summary>As <see cref="Wrapper"/>, for the calls that concern one file or directory only.</summary>
    public static string[] OnPath(string log, string path, string injection) =>
        ["strace", "-D", "-f", "--seccomp-bpf", "-y", "-o", log, "-e", "signal=none", "-P", path, "-e", "trace=" + injection.Split(':')[0], "-e", "inject=" + injection];

    /// <summary>Skips the running test where strace is missing or may not trace.</summary>
    public static void Need()
    {
        string? path = Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(directory => Path.Combine(directory, "strace")).FirstOrDefault(File.Exists);
        if (path is null)
        {
            Assert.Skip("strace is not installed.");
        }

        using Process probe = Process.Start(new ProcessStartInfo(path, ["-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"]) { RedirectStandardError = true })!;
        string error = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        if (probe.ExitCode != 0 || error.Contains("ptrace", StringComparison.OrdinalIgnoreCase))
        {
            Assert.Skip($"strace may not trace here: {error.Trim()}");
        }
    }
}
