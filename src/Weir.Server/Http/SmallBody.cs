using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Server.Http.Bodies;

namespace Weir.Server.Http;

/// <summary>Reads the body of a call that takes a document and not events: a definition.</summary>
internal static class SmallBody
{
    public const int MaxBytes = 256 * 1024;

    /// <exception cref="BodyException">Over the limit.</exception>
    public static async ValueTask<byte[]> ReadAsync(HttpRequest request)
    {
        PipeReader reader = request.BodyReader;
        while (true)
        {
            ReadResult read = await reader.ReadAsync();
            if (read.Buffer.Length > MaxBytes)
            {
                // Given back before it is refused: else the connection ends behind the answer.
                reader.AdvanceTo(read.Buffer.End);
                throw new BodyException(ErrorCode.BodyTooLarge, FormattableString.Invariant($"A definition has at most {MaxBytes} bytes."));
            }

            if (read.IsCompleted)
            {
                byte[] body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
