namespace Weir.Simulator;

/// <summary>
/// What a seed draws for itself before it begins: streams, views, sizes, and which faults there are and how often. Most faults are absent from most
/// runs ("swarm"): with all of them at once no run would come far enough to meet the rare ones.
/// </summary>
internal sealed class Mix
{
    private static readonly string[] Definitions =
    [
        """{"partitions":P,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}""",
        """{"partitions":P,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"last"}""",
        """{"partitions":P,"key":["user"],"claim":{"by":["user"],"keep":"first"}""",
        """{"partitions":P,"key":["user"],"claim":{"by":["user"],"keep":"last"}""",
        """{"partitions":P,"key":["user"],"id":"id" """,
        """{"partitions":P,"id":"id","partitioner":"crc32" """,
        """{"partitions":P,"id":"id","remember":R""",
        """{"partitions":P,"key":["user"]""",
        """{"partitions":P""",
        """{"partitions":P,"delivery":"exactly-once" """,
    ];

    private static readonly string[] AnyViews =
    [
        "SELECT choice, count(*) AS n, sum(amount) AS total, avg(amount) AS mean FROM S GROUP BY choice",
        "SELECT count(*) AS n, count(amount) AS amounts FROM S WHERE amount >= 5 OR choice LIKE '%b'",
        "SELECT user, choice, count(*) AS n FROM S GROUP BY user, choice ORDER BY n DESC, user LIMIT 5",
    ];

    // Not over streams with `keep: last`, where rows have to be taken back.
    private static readonly string[] ViewsOfWhatStays =
    [
        "SELECT count(*) AS n, sum(amount) AS total FROM S GROUP BY tumble(t, 1m)",
        "SELECT choice, min(amount) AS least, max(amount) AS greatest FROM S GROUP BY choice",
        "SELECT first(choice) AS f, latest(choice) AS l, max(_offset) AS far FROM S",
    ];

    public Mix(Random random)
    {
        int streams = random.Next(4) == 0 ? 2 : 1;
        for (int i = 0; i < streams; i++)
        {
            Streams.Add(Draw(random, $"s{i}"));
        }

        Operations = random.Next(350, 650);
        Clients = random.Next(1, 7);
        Users = random.Next(2, 40);
        ActPercent = random.Next(2, 30);
        MostEvents = random.Next(1, 12);
        Crashes = random.Next(8) == 0 ? 0 : random.Next(3, 9);
        PowerLossPercent = random.Next(3) switch { 0 => 0, 1 => 100, _ => 50 };
        TearBytes = random.Next(2) == 0 ? 512 : 4096;
        CleanStops = random.Next(3) == 0 ? random.Next(1, 3) : 0;
        ReadErrors = Rate(random, 3, 0.004);
        WriteErrors = Rate(random, 3, 0.01);
        FlushErrors = Rate(random, 3, 0.02);
        NoSpaceWindows = random.Next(4) == 0 ? random.Next(1, 4) : 0;
        ClockJumps = random.Next(3) == 0 ? random.Next(1, 6) : 0;
        BitFlips = random.Next(4) == 0 ? random.Next(1, 4) : 0;
        Misdirected = random.Next(6) == 0 ? random.Next(1, 3) : 0;
        LogDamage = random.Next(8) == 0 ? 1 : 0;
        MostFlushMs = random.Next(3) switch { 0 => 1, 1 => 20, _ => 2000 };
        WriterThreads = random.Next(1, 4);
        MostFlushedByWriter = random.Next(3);
        SegmentBytes = 1L << random.Next(11, 17);
        SnapshotBytes = random.Next(3) == 0 ? 1L << 30 : 1L << random.Next(12, 16);
        QueueBytes = random.Next(4) == 0 ? 2_000 : 1L << 20;
        PublishMs = random.Next(20, 400);
    }

    public List<StreamMix> Streams { get; } = [];

    public int Operations { get; }

    public int Clients { get; }

    /// <summary>Owners that events are drawn from.</summary>
    public int Users { get; }

    /// <summary>How often a client acts although the node could go on, percent of steps.</summary>
    public int ActPercent { get; }

    /// <summary>Events of one batch, at most.</summary>
    public int MostEvents { get; }

    public int Crashes { get; }

    /// <summary>Crashes that lose the power too, percent.</summary>
    public int PowerLossPercent { get; }

    public int TearBytes { get; }

    public int CleanStops { get; }

    /// <summary>Errors per read, 0 to 1; the others likewise.</summary>
    public double ReadErrors { get; }

    public double WriteErrors { get; }

    public double FlushErrors { get; }

    /// <summary>Times that the disk is full for a while.</summary>
    public int NoSpaceWindows { get; }

    public int ClockJumps { get; }

    /// <summary>Bits that rot in derived files.</summary>
    public int BitFlips { get; }

    /// <summary>Sectors of derived files that get what was written for another place.</summary>
    public int Misdirected { get; }

    /// <summary>Bits that rot in a log, well below what was flushed last.</summary>
    public int LogDamage { get; }

    public int MostFlushMs { get; }

    public int WriterThreads { get; }

    public int MostFlushedByWriter { get; }

    public long SegmentBytes { get; }

    public long SnapshotBytes { get; }

    public long QueueBytes { get; }

    public int PublishMs { get; }

    public override string ToString() => FormattableString.Invariant(
        $"operations={Operations} clients={Clients} users={Users} act={ActPercent}% events<={MostEvents} crashes={Crashes} power-loss={PowerLossPercent}% tear={TearBytes} stops={CleanStops} read-errors={ReadErrors:0.####} write-errors={WriteErrors:0.####} flush-errors={FlushErrors:0.####} no-space={NoSpaceWindows} clock-jumps={ClockJumps} flips={BitFlips} misdirected={Misdirected} log-damage={LogDamage} flush<={MostFlushMs}ms writers={WriterThreads} here={MostFlushedByWriter} segment={SegmentBytes} snapshot={SnapshotBytes} queue={QueueBytes} publish={PublishMs}ms")
        + string.Concat(Streams.Select(stream => $"\n  {stream.Name} {stream.Definition(0)}\n    {string.Join("\n    ", stream.Views)}"));

    private static double Rate(Random random, int oneOf, double most) => random.Next(oneOf) == 0 ? random.NextDouble() * most : 0;

    private static StreamMix Draw(Random random, string name)
    {
        string body = Definitions[random.Next(Definitions.Length)].TrimEnd()
            .Replace("P", FormattableString.Invariant($"{random.Next(1, 5)}"), StringComparison.Ordinal)
            .Replace("R", FormattableString.Invariant($"{random.Next(3, 60)}"), StringComparison.Ordinal);
        if (random.Next(2) == 0)
        {
            body += ",\"on-invalid\":\"dead-letter\"";
        }

        string[] from = body.Contains("\"last\"", StringComparison.Ordinal) ? AnyViews : [.. AnyViews, .. ViewsOfWhatStays];
        string[] views = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => from[random.Next(from.Length)].Replace(" S ", $" {name} ", StringComparison.Ordinal)).Select(sql => sql.EndsWith(" S", StringComparison.Ordinal) ? sql[..^1] + name : sql)];
        return new StreamMix(name, body, views);
    }
}

/// <summary>A stream of a run.</summary>
/// <param name="Body">Its definition without the closing brace.</param>
internal sealed record StreamMix(string Name, string Body, string[] Views)
{
    public string[] ViewNames { get; } = [.. Views.Select((_, number) => FormattableString.Invariant($"{Name}v{number}"))];

    /// <summary>Whether two events with one identity are one event for good.</summary>
    public bool HasIdentity { get; } = Body.Contains("\"id\"", StringComparison.Ordinal) || Body.Contains("exactly-once", StringComparison.Ordinal);

    public bool HasClaim { get; } = Body.Contains("\"claim\"", StringComparison.Ordinal);

    public bool KeepsLast { get; } = Body.Contains("\"last\"", StringComparison.Ordinal);

    public bool HasKey { get; } = Body.Contains("\"key\"", StringComparison.Ordinal);

    /// <summary>Identities are forgotten after a while, or kept by idempotency key alone.</summary>
    public bool Forgets { get; } = Body.Contains("\"remember\"", StringComparison.Ordinal);

    public bool IsByHeader { get; } = Body.Contains("exactly-once", StringComparison.Ordinal);

    /// <summary>The definition; each version has another limit of what ids may be long.</summary>
    public string Definition(int version) => Body + (version == 0 ? "" : FormattableString.Invariant($",\"limits\":{{\"id_bytes\":{100 + version}}}")) + "}";
}
