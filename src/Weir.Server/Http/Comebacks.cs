namespace Weir.Server.Http;

/// <summary>
/// What those who are turned away are told, so that it is true: each gets the first whole number of seconds after which there is room, where there is as much in
/// a tenth of a second as is taken in one, and who was told before has his. What comes meanwhile unannounced is not known, and can take it. Any thread.
/// </summary>
internal sealed class Comebacks(TimeProvider time)
{
    private const int SlotsPerSecond = 10;
    private const int LongestSeconds = 60;
    private const int RateSeconds = 10;

    // Where nothing was taken lately.
    private const long LeastBytesPerSecond = 1 << 20;

    private readonly Lock _lock = new();
    private readonly long[] _promised = new long[(LongestSeconds + 1) * SlotsPerSecond];
    private readonly long[] _taken = new long[RateSeconds];
    private readonly long _beganAt = time.GetTimestamp();
    private long _slot;

    public void NoteTaken(long bytes)
    {
        lock (_lock)
        {
            MoveOn();
            _taken[_slot / SlotsPerSecond % RateSeconds] += bytes;
        }
    }

    /// <returns>1 to 60 s.</returns>
    public TimeSpan Next(long bytes, TimeSpan atLeast)
    {
        lock (_lock)
        {
            MoveOn();
            long room = Math.Max(LeastBytesPerSecond, _taken.Max()) / SlotsPerSecond;
            int first = (int)Math.Clamp(Math.Ceiling(atLeast.TotalSeconds), 1, LongestSeconds);
            for (int seconds = first; seconds < LongestSeconds; seconds++)
            {
                ref long promised = ref _promised[(_slot + (seconds * SlotsPerSecond)) % _promised.Length];
                if (promised == 0 || promised + bytes <= room)
                {
                    promised += bytes;
                    return TimeSpan.FromSeconds(seconds);
                }
            }

            return TimeSpan.FromSeconds(LongestSeconds);
        }
    }

    // Empties what lies behind, to be used again.
    private void MoveOn()
    {
        long slot = (long)(time.GetElapsedTime(_beganAt).TotalSeconds * SlotsPerSecond);
        if (slot - _slot >= _promised.Length)
        {
            Array.Clear(_promised);
            Array.Clear(_taken);
            _slot = slot;
        }

        for (; _slot < slot; _slot++)
        {
            _promised[_slot % _promised.Length] = 0;
            if ((_slot + 1) % SlotsPerSecond == 0)
            {
                _taken[(_slot + 1) / SlotsPerSecond % RateSeconds] = 0;
            }
        }
    }
}
