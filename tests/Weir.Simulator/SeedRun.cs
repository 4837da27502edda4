using System.Globalization;
using System.Text;

namespace Weir.Simulator;

/// <summary>Many seeds, on several threads, each run by itself.</summary>
internal sealed class SeedRun
{
    public Totals Totals { get; } = new();

    public SortedDictionary<int, string> Failures { get; } = [];

    /// <param name="tell">Receives a line for each seed that broke an invariant, at once.</param>
    public static SeedRun Of(int from, int seeds, int threads, Action<string> tell)
    {
        var run = new SeedRun();
        int next = from - 1;
        var gate = new Lock();
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(number => new Thread(() => Work(number)) { IsBackground = true })];
        Array.ForEach(workers, worker => worker.Start());
        Array.ForEach(workers, worker => worker.Join());
        return run;

        void Work(int number)
        {
            Processor.Keep(number);
            var jobs = new Stack<JobThread>();
            int seed;
            while ((seed = Interlocked.Increment(ref next)) < from + seeds)
            {
                var simulation = new Simulation(seed, jobs, trace: null);
                string? failure;
                try
                {
                    failure = simulation.Run()?.Message;
                }
                catch (Exception exception)
                {
                    failure = $"The simulator itself failed: {exception}";
                }

                lock (gate)
                {
                    run.Totals.Add(simulation.Totals);
                    if (failure is not null)
                    {
                        run.Failures[seed] = failure;
                        tell(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {failure}"));
                    }
                }
            }
        }
    }

    /// <param name="took">Time by the clock.</param>
    /// <param name="processor">Time of all processors together, which other work on the machine does not change.</param>
    public string Report(TimeSpan took, TimeSpan processor)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"seeds              {Totals.Seeds:N0} in {took.TotalSeconds:0.0} s, {Totals.Seeds / took.TotalSeconds:0.0}/s; {Totals.Seeds / processor.TotalSeconds:0.0}/s of one processor");
        text.AppendLine(CultureInfo.InvariantCulture, $"simulated time     {Totals.Simulated.TotalHours:0.0} h");
        text.AppendLine(CultureInfo.InvariantCulture, $"operations         {Totals.Operations:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"steps              {Totals.Steps:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"crashes            {Totals.Crashes:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"acknowledgements   {Totals.Acknowledged:N0}");
        text.AppendLine("faults");
        foreach (FaultKind fault in Enum.GetValues<FaultKind>())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {fault,-40} {Totals.Of(fault),12:N0}");
        }

        text.AppendLine("reported by the engine");
        foreach ((string report, long count) in Totals.Reports)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {report,-40} {count,12:N0}");
        }

        text.Append(CultureInfo.InvariantCulture, $"failures           {Failures.Count:N0}");
        return text.ToString();
    }
}
