namespace Weir.Server.Http.Bodies;

/// <summary>How a body of events is laid out.</summary>
internal enum BodyForm
{
    /// <summary>One JSON object.</summary>
    Object,

    /// <summary>A JSON array of objects.</summary>
    Array,

    /// <summary>One object per line.</summary>
    Lines,

    /// <summary>Not said, or said as a browser's or curl's default: the body's first characters decide.</summary>
    Guess,

    /// <summary>application/json: an object or an array.</summary>
    Json,

    /// <summary>One CloudEvent as a JSON object.</summary>
    CloudEvent,

    /// <summary>A JSON array of CloudEvents.</summary>
    CloudEvents,

    /// <summary>The data of one CloudEvent, whose attributes are the request's headers.</summary>
    BinaryCloudEvent,

    /// <summary>A Content-Type that events are not read from.</summary>
    Unsupported,
}

/// <summary>Finds the form in the Content-Type.</summary>
internal static class BodyForms
{
    public static BodyForm Of(string? contentType)
    {
        ReadOnlySpan<char> type = contentType;
        int parameters = type.IndexOf(';');
        type = (parameters < 0 ? type : type[..parameters]).Trim();
        if (Is(type, "application/x-ndjson") || Is(type, "application/ndjson") || Is(type, "application/jsonl") || Is(type, "application/x-jsonlines"))
        {
            return BodyForm.Lines;
        }

        if (Is(type, "application/json"))
        {
            return BodyForm.Json;
        }

        // What fetch, sendBeacon and `curl -d` send when nobody says otherwise; and nothing at all.
        if (type.IsEmpty || Is(type, "text/plain") || Is(type, "application/x-www-form-urlencoded"))
        {
            return BodyForm.Guess;
        }

        if (Is(type, "application/cloudevents+json"))
        {
            return BodyForm.CloudEvent;
        }

        return Is(type, "application/cloudevents-batch+json") ? BodyForm.CloudEvents : BodyForm.Unsupported;

        static bool Is(ReadOnlySpan<char> type, string name) => type.Equals(name, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The form of a body whose type does not say it, from its first megabyte or all of it.</summary>
    /// <param name="isWhole">True when <paramref name="head"/> is the whole body.</param>
    public static BodyForm Guess(ReadOnlySpan<byte> head, bool isWhole)
    {
        ReadOnlySpan<byte> text = head.TrimStart(" \t\r\n"u8);
        if (text.IsEmpty || text[0] is not ((byte)'{' or (byte)'['))
        {
            return text.IsEmpty ? BodyForm.Lines : BodyForm.Unsupported;
        }

        if (text[0] == '[')
        {
            return BodyForm.Array;
        }

        // One object and nothing behind it may go over several lines; anything else is a line each.
        int length = JsonExtent.OfBracketed(text);
        bool isOne = length < 0 ? !text.Contains((byte)'\n') : isWhole && text[length..].Trim(" \t\r\n"u8).IsEmpty;
        return isOne ? BodyForm.Object : BodyForm.Lines;
    }
}
