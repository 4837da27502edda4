namespace Weir.Engine;

/// <summary>
/// Knows which batches are between being received and being queued, so that closing can wait for those that were complete in time.
/// Any thread; two counters take turns, so entering and leaving cost one interlocked operation each.
/// </summary>
internal sealed class IngestGate
{
    private readonly int[] _inside = new int[2];
    private int _side;

    /// <summary>Enters; the pass must exit, once or more often.</summary>
    /// <remarks>
    /// The clock is read inside: who enters the side that a closing does not wait for has then a time after the closing's. And who found
    /// the gate turned while entering leaves and enters the other side, because the closing may have seen his side empty already.
    /// </remarks>
    public Pass Enter(TimeProvider time)
    {
        while (true)
        {
            int side = Volatile.Read(ref _side);

            // A full fence: pairs with the exchange in Turn. One of the two sees the other.
            Interlocked.Increment(ref _inside[side]);
            if (Volatile.Read(ref _side) == side)
            {
                return new Pass { Side = side + 1, EnteredAtMs = time.GetUtcNow().ToUnixTimeMilliseconds() };
            }

            Interlocked.Decrement(ref _inside[side]);
        }
    }

    public void Exit(ref Pass pass)
    {
        if (pass.Side != 0)
        {
            Interlocked.Decrement(ref _inside[pass.Side - 1]);
            pass.Side = 0;
        }
    }

    /// <summary>From now on newcomers count on the other side; returns the side to wait for. One closing at a time.</summary>
    public int Turn()
    {
        int side = _side;
        Interlocked.Exchange(ref _side, 1 - side);
        return side;
    }

    /// <summary>Whether everyone who entered on that side has left.</summary>
    public bool IsEmpty(int side) => Volatile.Read(ref _inside[side]) == 0;

    /// <summary>A stay inside the gate.</summary>
    internal struct Pass
    {
        /// <summary>Side + 1; 0 when outside.</summary>
        public int Side;
        public long EnteredAtMs;
    }
}
