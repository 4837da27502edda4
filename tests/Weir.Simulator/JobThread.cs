namespace Weir.Simulator;

/// <summary>
/// A thread that carries one job at a time and runs only while the scheduler waits for it: <see cref="Resume"/> hands the baton over and returns
/// when the job has ended or given it back (<see cref="GiveBack"/>). Kept for the next job, because starting threads is what would cost most.
/// </summary>
internal sealed class JobThread
{
    private readonly SemaphoreSlim _go = new(0);
    private readonly SemaphoreSlim _back = new(0);
    private Action? _job;

    private readonly Thread _thread;

    public JobThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "job" };
        _thread.Start();
    }

    public int Id => _thread.ManagedThreadId;

    /// <summary>Whether it has no job, or its job has ended.</summary>
    public bool IsFree => _job is null;

    /// <summary>Gives the thread a job, which begins at the next <see cref="Resume"/>. It must not throw.</summary>
    public void Take(Action job) => _job = job;

    /// <summary>Lets the job run until it ends or gives the baton back. The scheduler's thread.</summary>
    public void Resume()
    {
        _go.Release();
        _back.Wait();
    }

    /// <summary>Returns when it is resumed. The job's thread.</summary>
    public void GiveBack()
    {
        _back.Release();
        _go.Wait();
    }

    private void Run()
    {
        while (true)
        {
            _go.Wait();
            _job!();
            _job = null;
            _back.Release();
        }
    }
}
