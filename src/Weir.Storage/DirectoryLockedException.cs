using System.Globalization;
using Weir.Core;

namespace Weir.Storage;

/// <summary>Another process holds the lock of the data directory. Raised on start, before a byte is written.</summary>
public sealed class DirectoryLockedException : WeirException
{
    /// <param name="processId">Null when the holder has not written its number yet.</param>
    public DirectoryLockedException(string path, int? processId)
        : base(ErrorCode.DirectoryLocked, string.Create(
            CultureInfo.InvariantCulture,
            $"{path} is locked by {(processId is int id ? $"process {id}" : "another process")}.")) => ProcessId = processId;

    public int? ProcessId { get; }
}
