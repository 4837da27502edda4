using Weir.Core;

namespace Weir.Server.Http.Bodies;

/// <summary>The body cannot be read on: too long, expanding too much, not what its encoding says. Not retryable as it is.</summary>
internal sealed class BodyException(ErrorCode code, string detail, Exception? innerException = null) : WeirException(code, detail, innerException);
