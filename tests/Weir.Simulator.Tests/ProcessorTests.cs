namespace Weir.Simulator.Tests;

public sealed class ProcessorTests
{
    /// <summary>The kernel's own account is the oracle.</summary>
    [Fact]
    public void A_thread_is_kept_on_one_processor_with_the_job_threads_that_it_makes()
    {
        string before = Allowed();
        string worker = "";
        string job = "";
        var thread = new Thread(() =>
        {
            Processor.Keep(Environment.ProcessorCount + 1);
            worker = Allowed();
            var other = new JobThread();
            other.Take(() => job = Allowed());
            other.Resume();
        });
        thread.Start();
        thread.Join();

        Assert.True(int.TryParse(worker, out _), $"The thread may run on {worker}.");
        Assert.Equal(worker, job);
        Assert.Equal(before, Allowed());
    }

    private static string Allowed() => File.ReadLines("/proc/thread-self/status").Single(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split('\t')[1];
}
