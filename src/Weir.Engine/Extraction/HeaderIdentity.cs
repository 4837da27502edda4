using Weir.Core;

namespace Weir.Engine;

/// <summary>Identity from a record's headers, the first of these that is there: CloudEvents source and id (tag <c>c</c>), header <c>id</c> (tag <c>h</c>), idempotency key (tag <c>k</c>).</summary>
internal static class HeaderIdentity
{
    /// <summary>Writes tag and identity and returns their length; 0 without one.</summary>
    public static int Write(ReadOnlySpan<byte> headers, int headerCount, Span<byte> destination)
    {
        ReadOnlySpan<byte> source = default, id = default, plain = default, idempotency = default;
        int at = 0;
        for (int i = 0; i < headerCount && Record.TryReadHeader(headers, ref at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out _); i++)
        {
            if (value.Length > EventHeaders.MaxValueBytes)
            {
                continue;
            }

            if (name.SequenceEqual("ce_source"u8))
            {
                source = value;
            }
            else if (name.SequenceEqual("ce_id"u8))
            {
                id = value;
            }
            else if (name.SequenceEqual("id"u8))
            {
                plain = value;
            }
            else if (name.SequenceEqual("idempotency-key"u8))
            {
                idempotency = value;
            }
        }

        if (!source.IsEmpty && !id.IsEmpty)
        {
            int length = 0;
            destination[length++] = (byte)'c';
            destination[length++] = (byte)'[';
            destination[length++] = (byte)'"';
            length += JsonText.WriteEscaped(source, destination[length..]);
            "\",\""u8.CopyTo(destination[length..]);
            length += 3;
            length += JsonText.WriteEscaped(id, destination[length..]);
            destination[length++] = (byte)'"';
            destination[length++] = (byte)']';
            return length;
        }

        ReadOnlySpan<byte> chosen = plain.IsEmpty ? idempotency : plain;
        if (chosen.IsEmpty)
        {
            return 0;
        }

        destination[0] = plain.IsEmpty ? (byte)'k' : (byte)'h';
        chosen.CopyTo(destination[1..]);
        return chosen.Length + 1;
    }
}
