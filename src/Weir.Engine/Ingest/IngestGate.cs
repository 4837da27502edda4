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
    public Pass Enter(long nowMs)
    {
        int side = Volatile.Read(ref _side);
        Interlocked.Increment(ref _inside[side]);
        return new Pass { Side = side + 1, EnteredAtMs = nowMs };
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
        int side = Volatile.Read(ref _side);
        Volatile.Write(ref _side, 1 - side);
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
