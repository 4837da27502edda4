using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>Answers with a problem document (RFC 9457): <c>application/problem+json</c> with the members of <see cref="WeirErrors"/>' row.</summary>
internal static class Problem
{
    public const string ContentType = "application/problem+json";

    public static Task WriteAsync(HttpContext context, ErrorCode code, string detail, TimeSpan? retryAfter = null) =>
        WriteAsync(context, code, detail, WeirErrors.Get(code).Status, retryAfter, members: null);

    /// <summary>Answers for an exception that carries a code; a definition's faults are listed one by one.</summary>
    public static Task WriteAsync(HttpContext context, WeirException failure, TimeSpan? retryAfter = null) =>
        WriteAsync(context, failure.Code, failure.Message, WeirErrors.Get(failure.Code).Status, retryAfter, writer =>
        {
            if (failure is DefinitionException definition)
            {
                WriteFaults(writer, definition.Faults);
            }
        });

    /// <param name="members">Writes further members of the document.</param>
    public static async Task WriteAsync(HttpContext context, ErrorCode code, string detail, int status, TimeSpan? retryAfter, Action<Utf8JsonWriter>? members)
    {
        HttpResponse response = context.Response;
        if (response.HasStarted)
        {
            // The status line is gone: only a cut connection still says that the answer is not whole.
            context.Abort();
            return;
        }

        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body, JsonAnswer.WriterOptions))
        {
            writer.WriteStartObject();
            WriteMembers(writer, context, code, detail, status);
            members?.Invoke(writer);
            writer.WriteEndObject();
        }

        if (WeirErrors.Get(code).IsRetryable || retryAfter is not null)
        {
            response.Headers.RetryAfter = Seconds(retryAfter).ToString(CultureInfo.InvariantCulture);
        }

        // Whether the body of one who asked first (RFC 9110, 10.1.1) still comes is his choice: where it would begin nobody knows what the next bytes are.
        if (context.Request.Headers.Expect.Count > 0)
        {
            response.Headers.Connection = "close";
        }

        response.StatusCode = status;
        response.ContentType = ContentType;
        response.ContentLength = body.WrittenCount;
        await response.BodyWriter.WriteAsync(body.WrittenMemory);
    }

    /// <summary>The members every problem has, within an object that is open.</summary>
    public static void WriteMembers(Utf8JsonWriter writer, HttpContext context, ErrorCode code, string detail, int status)
    {
        ErrorInfo error = WeirErrors.Get(code);
        writer.WriteString("type"u8, string.Create(CultureInfo.InvariantCulture, $"urn:weir:error:{(int)code}"));
        writer.WriteString("title"u8, error.Sentence);
        writer.WriteNumber("status"u8, status);
        writer.WriteString("detail"u8, detail);
        writer.WriteString("instance"u8, context.Request.Path.Value);
        writer.WriteString("code"u8, error.Name);
        writer.WriteString("remedy"u8, error.Remedy);
        writer.WriteBoolean("retryable"u8, error.IsRetryable);
        writer.WriteString("traceId"u8, context.TraceIdentifier);
    }

    /// <summary>Whole seconds for Retry-After, 1 to 60; 1 where nobody knows better.</summary>
    public static int Seconds(TimeSpan? wait) => (int)Math.Clamp(Math.Ceiling((wait ?? TimeSpan.Zero).TotalSeconds), 1, 60);

    private static void WriteFaults(Utf8JsonWriter writer, IReadOnlyList<DefinitionFault> faults)
    {
        writer.WriteStartArray("faults"u8);
        foreach (DefinitionFault fault in faults)
        {
            writer.WriteStartObject();
            writer.WriteString("path"u8, fault.Path);
            writer.WriteString("code"u8, WeirErrors.NameOf(fault.Code));
            writer.WriteString("detail"u8, fault.Detail);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
