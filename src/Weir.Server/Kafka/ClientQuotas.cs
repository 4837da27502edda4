using System.Collections.Concurrent;

namespace Weir.Server.Kafka;

/// <summary>Bytes per second that the connections of one client id may send and be sent together. Who is beyond it is read no further until the time has made up for it. Any thread.</summary>
/// <param name="bytesPerSecond">0: any number.</param>
internal sealed class ClientQuotas(long bytesPerSecond, TimeProvider time)
{
    /// <summary>Client ids that are known at one time; beyond it those that owe nothing are forgotten.</summary>
    private const int MostClients = 10_000;

    // As Kafka's default window: who was silent may send so much at once.
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPenalty = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Account> _accounts = new(StringComparer.Ordinal);

    /// <summary>Notes what went over the wire.</summary>
    /// <returns>How long the client is to wait; at most 30 s.</returns>
    public TimeSpan Note(string clientId, long bytes)
    {
        if (bytesPerSecond == 0)
        {
            return TimeSpan.Zero;
        }

        long now = time.GetTimestamp();
        if (_accounts.Count >= MostClients)
        {
            Forget(now);
        }

        Account account = _accounts.GetOrAdd(clientId, static _ => new Account());
        lock (account)
        {
            // The account holds the moment at which everything sent so far has been made up for.
            long earliest = now - (long)(Burst.TotalSeconds * time.TimestampFrequency);
            account.EvenAt = Math.Max(account.EvenAt, earliest) + (long)((double)bytes / bytesPerSecond * time.TimestampFrequency);
            double owed = (double)(account.EvenAt - now) / time.TimestampFrequency;
            return owed <= 0 ? TimeSpan.Zero : owed > LongestPenalty.TotalSeconds ? LongestPenalty : TimeSpan.FromSeconds(owed);
        }
    }

    private void Forget(long now)
    {
        foreach ((string id, Account account) in _accounts)
        {
            lock (account)
            {
                if (account.EvenAt <= now)
                {
                    _accounts.TryRemove(id, out _);
                }
            }
        }
    }

    private sealed class Account
    {
        public long EvenAt { get; set; } = long.MinValue;
    }
}
