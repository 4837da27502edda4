using System.Buffers.Text;
using Weir.Cli.Load;

namespace Weir.Cli.Bench;

/// <summary>What one generator thread sent and was told; threads are added up when they have ended.</summary>
internal sealed class LoadTotals
{
    public LatencyHistogram Latency { get; } = new();

    public long Requests { get; private set; }

    public long Counted { get; private set; }

    /// <summary>Decided, and not counted: duplicate or taken.</summary>
    public long NotCounted { get; private set; }

    /// <summary>Requests that had to be sent again: 429, 503.</summary>
    public long Repeated { get; set; }

    public long Events => Counted + NotCounted;

    /// <summary>Takes the totals in front of an answer: {"counted":997,"replaced":0,"duplicate":1,"taken":1,…}. False when not all events are decided.</summary>
    public bool TryAdd(ReadOnlySpan<byte> answer, int events)
    {
        int counted = Number(answer, "\"counted\":"u8);
        int notCounted = counted == events ? 0 : Number(answer, "\"duplicate\":"u8) + Number(answer, "\"taken\":"u8);
        if (counted + notCounted != events)
        {
            return false;
        }

        Requests++;
        Counted += counted;
        NotCounted += notCounted;
        return true;
    }

    public void Add(LoadTotals other)
    {
        Latency.Add(other.Latency);
        Requests += other.Requests;
        Counted += other.Counted;
        NotCounted += other.NotCounted;
        Repeated += other.Repeated;
    }

    /// <summary>The votes that an answer of any status says are counted.</summary>
    public static int CountedIn(ReadOnlySpan<byte> answer) => Number(answer, "\"counted\":"u8);

    private static int Number(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> name)
    {
        int at = answer.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(answer[(at + name.Length)..], out int number, out _) ? number : 0;
    }
}
