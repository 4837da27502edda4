using System.Globalization;

namespace Weir.CrashTests;

/// <summary>The n-th call of a thread on a file of the data directory that fails, and how.</summary>
/// <param name="Call">The system call.</param>
/// <param name="N">From 1; each thread counts its own.</param>
/// <param name="Error">The errno, or <c>short</c>: a write that takes no byte, which is the one short write that strace can tell without lying about what is on disk.</param>
/// <param name="IsForEver">From there on each call fails; else the n-th alone, or with EINTR three in a row.</param>
internal sealed record FileFault(string Call, int N, string Error, bool IsForEver)
{
    // What changes the disk fails for want of room too; what only reads cannot.
    private static readonly string[] Changing = ["openat", "pwrite64", "ftruncate", "fdatasync", "fsync", "rename", "unlink", "mkdir", "flock"];
    private static readonly string[] Reading = ["pread64", "newfstatat", "stat", "lstat", "access", "getdents64", "lseek", "statfs"];
    private static readonly string[] Interruptible = ["openat", "pread64", "pwrite64", "ftruncate", "fdatasync", "flock"];

    /// <summary>The calls that are made to fail. Not close: what it is told to return strace makes of a file that stays open, which no disk does.</summary>
    public static IReadOnlyList<string> Calls { get; } = [.. Changing, .. Reading];

    /// <summary>As <c>-e inject=</c> takes it.</summary>
    public string Injection
    {
        get
        {
            string what = Error == "short" ? "retval=0" : "error=" + Error;
            string when = IsForEver ? $"{N}+" : Error == "EINTR" ? string.Create(CultureInfo.InvariantCulture, $"{N}..{N + 2}") : N.ToString(CultureInfo.InvariantCulture);
            return $"{Call}:{what}:when={when}";
        }
    }

    /// <summary>Every way in which every call of a recorded run can fail.</summary>
    public static IReadOnlyList<FileFault> Of(IReadOnlyList<SystemCall> recorded)
    {
        var faults = new List<FileFault>();
        foreach (string call in Calls)
        {
            int most = recorded.Where(one => one.Name == call).GroupBy(one => one.Thread).Select(thread => thread.Count()).DefaultIfEmpty().Max();
            bool isChanging = Changing.Contains(call);
            for (int n = 1; n <= most; n++)
            {
                foreach (string error in isChanging ? (string[])["EIO", "ENOSPC", "EDQUOT", "EROFS"] : ["EIO"])
                {
                    faults.Add(new FileFault(call, n, error, IsForEver: false));
                    faults.Add(new FileFault(call, n, error, IsForEver: true));
                }

                // For ever it is no fault that a program can survive, nor one that exists.
                if (Interruptible.Contains(call))
                {
                    faults.Add(new FileFault(call, n, "EINTR", IsForEver: false));
                }

                if (call == "pwrite64")
                {
                    faults.Add(new FileFault(call, n, "short", IsForEver: false));
                    faults.Add(new FileFault(call, n, "short", IsForEver: true));
                }
            }
        }

        return faults;
    }

    public override string ToString() => $"{Error} at {Call} {N}{(IsForEver ? " and for ever" : "")}";
}
