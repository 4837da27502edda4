using System.Globalization;
using System.Runtime.InteropServices;
using Weir.Core;

namespace Weir.Storage;

/// <summary>
/// A file operation failed. Raised by every <see cref="IDisk"/> and <see cref="IDiskFile"/> call. A full disk
/// (<see cref="ErrorCode.DiskFull"/>) heals when room is made; after a failed flush the file is not flushed again.
/// </summary>
public sealed class DiskException : WeirException
{
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int NoAccess = 13;
    public const int Exists = 17;
    public const int NotADirectory = 20;
    public const int NoSpace = 28;
    public const int ReadOnlyFileSystem = 30;
    public const int QuotaExceeded = 122;

    /// <param name="operation">The system call that failed.</param>
    /// <param name="errno">Its error number, read at once after the call.</param>
    public DiskException(string operation, string path, int errno)
        : base(
            errno is NoSpace or QuotaExceeded ? ErrorCode.DiskFull : ErrorCode.DiskError,
            string.Create(CultureInfo.InvariantCulture, $"{operation} of {path} failed: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})."))
    {
        Operation = operation;
        Path = path;
        Errno = errno;
    }

    public string Operation { get; }

    public string Path { get; }

    public int Errno { get; }
}
