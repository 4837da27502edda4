using System.Runtime.InteropServices;

namespace Weir.Simulator;

/// <summary>
/// A thread that carries one job at a time and runs only while the scheduler waits for it: <see cref="Resume"/> hands the baton over and returns
/// when the job has ended or given it back (<see cref="GiveBack"/>). Kept for the next job, because starting threads is what would cost most.
/// </summary>
internal sealed partial class JobThread
{
    private readonly Baton _go = new();
    private readonly Baton _back = new();
    private readonly Thread _thread;
    private readonly int? _processor = Processor.Kept;
    private Action? _job;

    /// <summary>It stays on the processor on which the thread that makes it is kept.</summary>
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
        _go.Give();
        _back.Take();
    }

    /// <summary>Returns when it is resumed. The job's thread.</summary>
    public void GiveBack()
    {
        _back.Give();
        _go.Take();
    }

    private void Run()
    {
        if (_processor is { } processor)
        {
            Processor.Keep(processor);
        }

        while (true)
        {
            _go.Take();
            _job!();
            _job = null;
            _back.Give();
        }
    }

    /// <summary>
    /// A semaphore of the C library. Those of .NET spin before they sleep, and whoever spins here takes the processor from the one he waits for.
    /// Lives as long as the process, as its thread does.
    /// </summary>
    private sealed unsafe partial class Baton
    {
        private const int SemaphoreBytes = 64;

        private readonly void* _semaphore = NativeMemory.AllocZeroed(SemaphoreBytes);

        public Baton()
        {
            if (Initialize(_semaphore, 0, 0) != 0)
            {
                throw new InvalidOperationException("sem_init failed.");
            }
        }

        public void Give()
        {
            if (Post(_semaphore) != 0)
            {
                throw new InvalidOperationException("sem_post failed.");
            }
        }

        public void Take()
        {
            // Not zero: a signal came in between.
            while (Wait(_semaphore) != 0)
            {
            }
        }

        [LibraryImport("libc", EntryPoint = "sem_init")]
        private static partial int Initialize(void* semaphore, int isShared, uint value);

        [LibraryImport("libc", EntryPoint = "sem_post")]
        private static partial int Post(void* semaphore);

        [LibraryImport("libc", EntryPoint = "sem_wait")]
        private static partial int Wait(void* semaphore);
    }
}
