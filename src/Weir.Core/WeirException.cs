namespace Weir.Core;

/// <summary>
/// A failure that users see under a stable code: of the environment (disk, lock), of a definition, or of a request as a whole.
/// The outcome of single events is not an exception. Derived types carry the particulars that code acts on.
/// </summary>
public class WeirException : Exception
{
    /// <param name="detail">What was wrong with this occurrence, where, expected and found; a full sentence.</param>
    public WeirException(ErrorCode code, string detail, Exception? innerException = null)
        : base(detail, innerException) => Code = code;

    public ErrorCode Code { get; }

    /// <summary>Whether the same call can succeed later without anybody changing anything.</summary>
    public bool IsTransient => WeirErrors.Get(Code).IsRetryable;
}
