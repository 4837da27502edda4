using System.Runtime.InteropServices;

namespace Weir.CrashTests;

/// <summary>Signals that System.Diagnostics.Process cannot send.</summary>
internal static class Signals
{
    public const int Terminate = 15;

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static extern int Send(int processId, int signal);
}
