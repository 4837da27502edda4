using System.Diagnostics;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Engine;
using Weir.Sql;

namespace Weir.Cli.Bench;

/// <summary>
/// `fold`: lines found, columns extracted, admission decided and the view counted, on one core, from raw NDJSON. No disk, no network:
/// what one core can do at most of what a server does for an event.
/// </summary>
internal static class FoldBench
{
    private const int BatchVotes = 4_000;

    public static Task<IReadOnlyList<BenchResult>> RunAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? 10_000_000;
        long done = 0;
        return Progress.WatchAsync(
            terminal,
            () => "fold",
            "events",
            () => events,
            () => Interlocked.Read(ref done),
            Task.Factory.StartNew<IReadOnlyList<BenchResult>>(
                () =>
                {
                    // The first run is for the compiler: code that has run hot is compiled again with what was learnt.
                    Measure(Math.Min(events, 2_000_000), ref done, cancel);
                    done = 0;
                    return [Measure(events, ref done, cancel)];
                },
                TaskCreationOptions.LongRunning));
    }

    private static BenchResult Measure(long events, ref long done, CancellationToken cancel)
    {
        StreamDefinition definition = StreamDefinition.Parse("""{"partitions":1,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}}"""u8.ToArray());
        var viewDefinition = new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice");
        ViewShape shape = ViewQuery.Parse(viewDefinition.Sql).Check();
        StreamPlan plan = StreamPlan.For(definition, new KeyedHash(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210), ColumnSet.Empty).With(shape.RecordColumns);
        using var admission = new Admission(definition, firstOffset: 0);
        admission.ApplyMarker(MarkerType.Define, json: default, definition);
        var view = new PartialView(ViewPlan.Compile(viewDefinition, shape, plan.Columns, keepsLast: false), partition: 0, hashSeed: 7);

        var body = new VoteBody("votes", BatchVotes, UserChoice.Random, seed: 1);
        var columns = new ColumnBatch();
        var scratch = new EventScratch();
        var verdicts = new byte[BatchVotes];
        var others = new long[BatchVotes];
        byte[] bytes = body.Body.ToArray();
        long ticks = 0;
        TimeSpan processor = TimeSpan.Zero;
        long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        for (long offset = 0; offset < events; offset += BatchVotes)
        {
            cancel.ThrowIfCancellationRequested();
            body.Renew((ulong)offset);
            body.Body.CopyTo(bytes);

            // Making the votes is not what is measured.
            long started = Stopwatch.GetTimestamp();
            TimeSpan processorBefore = ThreadClock.Now;
            Extract(plan, bytes, columns, scratch);
            columns.BaseOffset = offset;
            admission.Decide(columns, verdicts, others);
            view.Apply(columns, verdicts.AsSpan(0, columns.RecordCount));
            processor += ThreadClock.Now - processorBefore;
            ticks += Stopwatch.GetTimestamp() - started;
            Interlocked.Add(ref done, BatchVotes);
        }

        long folded = (events + BatchVotes - 1) / BatchVotes * BatchVotes;
        long decided = admission.Totals[(int)Verdict.Counted] + admission.Totals[(int)Verdict.Taken];
        if (decided != folded || view.ErrorCount != 0)
        {
            throw new InvalidOperationException($"{decided} of {folded} votes were decided as votes, the view has {view.ErrorCount} errors: the figure means nothing");
        }

        return new BenchResult("fold", folded, TimeSpan.FromSeconds((double)ticks / Stopwatch.Frequency))
        {
            FlushMode = null,
            AllocatedBytesPerEvent = (double)(GC.GetAllocatedBytesForCurrentThread() - allocatedBefore) / folded,
            Figures = [("cpu_ns_per_event", processor.TotalNanoseconds / folded), ("state_bytes_per_voter", (double)admission.StateBytes / admission.Owners)],
        };
    }

    private static void Extract(StreamPlan plan, byte[] bytes, ColumnBatch columns, EventScratch scratch)
    {
        columns.Clear(plan);
        columns.Memory = bytes;
        Span<Cell> cells = scratch.Cells(plan.Columns.Count);
        EventAnalysis analysis = default;
        int at = 0;
        while (at < bytes.Length)
        {
            int length = bytes.AsSpan(at).IndexOf((byte)'\n');
            ErrorCode? error = plan.Analyze(bytes.AsSpan(at, length), headers: default, headerCount: 0, cells, scratch, ref analysis);
            if (error is not null)
            {
                throw new WeirException(error.Value, $"the vote at byte {at} is not one");
            }

            columns.Add(new RecordRange(KeyAt: 0, KeyLength: -1, ValueAt: at, ValueLength: length), analysis.Input, cells);
            at += length + 1;
        }
    }
}
