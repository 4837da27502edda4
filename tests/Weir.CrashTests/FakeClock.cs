using System.Globalization;

namespace Weir.CrashTests;

/// <summary>
/// The wall clock of one server after another, moved while they run: libfaketime in front of libc's clock. The monotonic clock and the times of files are
/// left alone. Tests that need it are skipped, with the reason, where it is not installed.
/// </summary>
internal sealed class FakeClock : IDisposable
{
    private static readonly string[] Directories = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib64/faketime", "/usr/lib/faketime"];

    private readonly string _library;
    private readonly string _file;

    public FakeClock(WorkDirectory directory)
    {
        string? library = Directories.Select(where => Path.Combine(where, "libfaketimeMT.so.1")).FirstOrDefault(File.Exists);
        if (library is null)
        {
            Assert.Skip("faketime is not installed.");
        }

        _library = library;
        _file = directory.PathOf("clock");
        Set(TimeSpan.Zero);
    }

    /// <summary>How far ahead of the real clock it is.</summary>
    public TimeSpan Offset { get; private set; }

    public DateTimeOffset Now => DateTimeOffset.UtcNow + Offset;

    /// <summary>
    /// In front of a server's command line. Without the last but one, which is meant for old versions of glibc, every wait with a timeout returns at once
    /// when the clock is ahead.
    /// </summary>
    public string[] Wrapper =>
        ["env", "LD_PRELOAD=" + _library, "FAKETIME_TIMESTAMP_FILE=" + _file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0", "NO_FAKE_STAT=1"];

    /// <summary>From now on the servers' clock is this far ahead of the real one, or behind it.</summary>
    public void Set(TimeSpan offset)
    {
        // Never seen half written: it is read at every look at the clock.
        File.WriteAllText(_file + ".new", string.Create(CultureInfo.InvariantCulture, $"{(offset < TimeSpan.Zero ? "" : "+")}{(long)offset.TotalSeconds}\n"));
        File.Move(_file + ".new", _file, overwrite: true);
        Offset = offset;
    }

    /// <summary>Takes away what libfaketime leaves behind in shared memory when a process is killed.</summary>
    public void Dispose()
    {
        foreach (string left in Directory.GetFiles("/dev/shm", "*faketime_s*_*"))
        {
            if (!Directory.Exists("/proc/" + left[(left.LastIndexOf('_') + 1)..]))
            {
                File.Delete(left);
            }
        }
    }
}
