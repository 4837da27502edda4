using System.Diagnostics;
using System.Globalization;

namespace Weir.CrashTests;

/// <summary>
/// A small file system in memory, mounted on a directory for the processes of a test only: a process that does nothing holds the mount namespace, the
/// servers enter it one after the other. Gone with that process.
/// </summary>
internal sealed class SmallFileSystem : IDisposable
{
    private readonly Process _holder;
    private readonly string _directory;

    private SmallFileSystem(Process holder, string directory)
    {
        _holder = holder;
        _directory = directory;
    }

    /// <summary>In front of a command that shall see it.</summary>
    public string[] Wrapper => ["nsenter", "-t", _holder.Id.ToString(CultureInfo.InvariantCulture), "-m", "--"];

    /// <summary>Mounts it; skips the running test where that is not allowed.</summary>
    public static SmallFileSystem Mount(string directory, int mebibytes)
    {
        Directory.CreateDirectory(directory);
        string script = string.Create(CultureInfo.InvariantCulture, $"mount -t tmpfs -o size={mebibytes}m tmpfs {directory} && echo mounted && exec sleep infinity");
        try
        {
            Process holder = Process.Start(new ProcessStartInfo("unshare", ["-m", "sh", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            if (holder.StandardOutput.ReadLine() != "mounted")
            {
                string error = holder.StandardError.ReadToEnd();
                holder.Dispose();
                Assert.Skip($"A private mount is not allowed here: {error.Trim()}");
            }

            return new SmallFileSystem(holder, directory);
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            Assert.Skip($"unshare is not installed: {missing.Message}");
            throw;
        }
    }

    /// <summary>A path in it as this process sees it, which has not mounted it.</summary>
    public string PathOf(string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_holder.Id}/root{_directory}/{name}");

    /// <summary>Writes a file until there is no room for another byte.</summary>
    public void FillWith(string path)
    {
        var zeros = new byte[1 << 20];
        for (int size = zeros.Length; size > 0; size /= 2)
        {
            try
            {
                while (true)
                {
                    using FileStream file = new(path, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
                    file.Write(zeros, 0, size);
                }
            }
            catch (IOException)
            {
                // Not that much any more: half of it may still go in.
            }
        }
    }

    public void Dispose()
    {
        _holder.Kill();
        _holder.WaitForExit();
        _holder.Dispose();
    }
}
