using System.Diagnostics;
using System.Globalization;

namespace Weir.Cli.Verify;

/// <summary>The wrapper that kills a server at a system call.</summary>
internal static class Strace
{
    /// <summary>
    /// Arguments in front of the server's: SIGKILL as a thread enters its n-th such call. strace is the child's child (-D), so that the process started is
    /// the server itself. Without --seccomp-bpf, under which strace 6.1 counts no calls for signals.
    /// </summary>
    public static string[] KillAt(string log, string call, int n) =>
        ["strace", "-D", "-f", "-s", "1", "-o", log, "-e", "signal=none", "-e", $"trace={call}", "-e", string.Create(CultureInfo.InvariantCulture, $"inject={call}:signal=KILL:when={n}")];

    /// <summary>Why it cannot be used here; null when it can.</summary>
    public static string? WhyNot()
    {
        string? path = Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(directory => Path.Combine(directory, "strace")).FirstOrDefault(File.Exists);
        if (path is null)
        {
            return "strace is not installed";
        }

        using Process probe = Process.Start(new ProcessStartInfo(path, ["-D", "-f", "-o", "/dev/null", "true"]) { RedirectStandardError = true })!;
        string error = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        return probe.ExitCode != 0 || error.Contains("ptrace", StringComparison.OrdinalIgnoreCase) ? $"strace may not trace here: {error.Trim()}" : null;
    }
}
