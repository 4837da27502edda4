using System.Buffers;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// Writes the canonical group key of a record: a JSON array of the GROUP BY values, strings minimally escaped, numbers
/// exact, no spaces. One owner; the buffer grows to the longest key seen.
/// </summary>
internal sealed class GroupKeyWriter(ViewPlan plan)
{
    private readonly TextBuffer _text = new();
    private byte[] _key = new byte[64];
    private int _length;
    private byte[] _windowText = [];
    private long _windowTextStart = long.MinValue;

    /// <summary>The key of the last record for which <see cref="TryWrite"/> gave true; valid until the next call.</summary>
    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _length);

    /// <summary>Begin of that record's window; 0 without windows.</summary>
    public long WindowStartMs { get; private set; }

    /// <returns>False: the record has no group key and is an error row.</returns>
    public bool TryWrite(scoped ref readonly RecordData record)
    {
        _key[0] = (byte)'[';
        _length = 1;
        int[] slots = plan.KeySlots;
        for (int i = 0; i < slots.Length; i++)
        {
            if (i > 0)
            {
                Append((byte)',');
            }

            Datum value = record.Read(slots[i]);
            if (!(i == plan.WindowKey ? TryAppendWindow(value) : TryAppend(value)) || _length >= ViewLimits.MaxGroupKeyBytes)
            {
                return false;
            }
        }

        Append((byte)']');
        return true;
    }

    private bool TryAppend(Datum value)
    {
        if (value.TryGetPlainText(out ReadOnlySpan<byte> text))
        {
            if (text.Length > ViewLimits.MaxGroupKeyBytes)
            {
                return false;
            }

            AppendQuoted(text);
            return true;
        }

        return TryAppendSlow(value);
    }

    private bool TryAppendSlow(Datum value)
    {
        switch (value.Kind)
        {
            case DatumKind.Null:
                Append("null"u8);
                return true;
            case DatumKind.False:
                Append("false"u8);
                return true;
            case DatumKind.True:
                Append("true"u8);
                return true;
            case DatumKind.Number:
                return TryAppendNumber(value);
            case DatumKind.String:
                return TryAppendEscaped(value);
            default:
                return false;
        }
    }

    private bool TryAppendNumber(Datum value)
    {
        if (!value.TryGetNumber(out Exact number))
        {
            return false;
        }

        Reserve(Exact.MaxBytes);
        _length += number.Write(_key.AsSpan(_length));
        return true;
    }

    private bool TryAppendEscaped(Datum value)
    {
        if (!value.TryGetText(_text, out ReadOnlySpan<byte> text) || text.Length > ViewLimits.MaxGroupKeyBytes)
        {
            return false;
        }

        Reserve(JsonText.MaxEscapedBytes(text.Length) + 2);
        _key[_length++] = (byte)'"';
        _length += JsonText.WriteEscaped(text, _key.AsSpan(_length));
        _key[_length++] = (byte)'"';
        return true;
    }

    private bool TryAppendWindow(Datum time)
    {
        if (!plan.Window!.TryGetStart(time, _text, out long startMs))
        {
            return false;
        }

        // Neighbouring records mostly share a window, and writing a date costs more than all the rest.
        if (startMs != _windowTextStart)
        {
            _windowText = plan.Window.Format(startMs);
            _windowTextStart = startMs;
        }

        WindowStartMs = startMs;
        AppendQuoted(_windowText);
        return true;
    }

    private void AppendQuoted(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length + 2);
        Span<byte> target = _key.AsSpan(_length);
        target[0] = (byte)'"';
        text.CopyTo(target[1..]);
        target[text.Length + 1] = (byte)'"';
        _length += text.Length + 2;
    }

    private void Append(byte one)
    {
        Reserve(1);
        _key[_length++] = one;
    }

    private void Append(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length);
        text.CopyTo(_key.AsSpan(_length));
        _length += text.Length;
    }

    private void Reserve(int bytes)
    {
        if (_key.Length - _length < bytes)
        {
            Array.Resize(ref _key, Math.Max(_key.Length * 2, _length + bytes));
        }
    }
}
