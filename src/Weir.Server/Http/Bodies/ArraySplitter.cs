namespace Weir.Server.Http.Bodies;

/// <summary>Hands out the elements of a JSON array one by one, as spans over the body. What an element holds is not looked at.</summary>
/// <param name="body">The whole body; white space around the array is allowed.</param>
/// <param name="start">0, or where an earlier splitter over the same body stood (<see cref="Consumed"/>).</param>
internal ref struct ArraySplitter(ReadOnlySpan<byte> body, int start)
{
    private static ReadOnlySpan<byte> Blanks => " \t\r\n"u8;

    private readonly ReadOnlySpan<byte> _body = body;
    private bool _hasBegun = start > 0;
    private bool _hasEnded = start > 0 && start >= body.Length;

    /// <summary>Bytes of the body behind the last element taken: where <see cref="Fault"/> is.</summary>
    public int Consumed { get; private set; } = start;

    /// <summary>What keeps the body from being an array; null while nothing does.</summary>
    public string? Fault { get; private set; }

    /// <returns>False at the array's end and where <see cref="Fault"/> was found.</returns>
    public bool TryRead(out ReadOnlySpan<byte> element)
    {
        element = default;
        if (_hasEnded)
        {
            return false;
        }

        SkipBlanks();
        if (!_hasBegun)
        {
            _hasBegun = true;
            if (Peek() != '[')
            {
                return Fail("the body does not begin with [");
            }

            Consumed++;
            SkipBlanks();
            if (Peek() == ']')
            {
                return End();
            }
        }

        int length = JsonExtent.OfElement(_body[Consumed..]);
        if (length < 0)
        {
            return Fail("the array does not end");
        }

        element = _body.Slice(Consumed, length).Trim(Blanks);
        if (element.IsEmpty)
        {
            return Fail("an element is missing");
        }

        Consumed += length;
        switch (Peek())
        {
            case ',':
                Consumed++;
                return true;
            case ']':
                End();
                return Fault is null;
            default:
                return Fail("expected a comma or ]");
        }
    }

    private bool End()
    {
        _hasEnded = true;
        Consumed++;
        SkipBlanks();
        return Consumed < _body.Length && Fail("something follows the array");
    }

    private bool Fail(string fault)
    {
        _hasEnded = true;
        Fault = FormattableString.Invariant($"{fault}, at byte {Consumed} of the body");
        return false;
    }

    private readonly int Peek() => Consumed < _body.Length ? _body[Consumed] : -1;

    private void SkipBlanks()
    {
        int blanks = _body[Consumed..].IndexOfAnyExcept(Blanks);
        Consumed = blanks < 0 ? _body.Length : Consumed + blanks;
    }
}
