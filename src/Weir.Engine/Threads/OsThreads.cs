namespace Weir.Engine;

/// <summary>Each loop and each job has a thread of the operating system.</summary>
internal sealed class OsThreads : IThreads
{
    private OsThreads()
    {
    }

    public static OsThreads Instance { get; } = new();

    public ILoop StartLoop(string name, Action step, Func<int> delayMs, Action<Exception> onFailure) => new Loop(name, step, delayMs, onFailure);

    public IFlusher StartFlusher(int threads, Action<Exception> onFailure) => new Flusher(threads, onFailure);

    public Task Start(string name, Action job)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                job();
                ended.SetResult();
            }
            catch (Exception exception)
            {
                ended.SetException(exception);
            }
        })
        { Name = name, IsBackground = true };
        thread.Start();
        return ended.Task;
    }

    public bool Wait(Task task, TimeSpan timeout, Task? other = null) => Task.WaitAny(other is null ? [task] : [task, other], timeout) >= 0;

    public void Queue(IThreadPoolWorkItem item) => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);

    private sealed class Loop : ILoop
    {
        private readonly AutoResetEvent _wake = new(initialState: false);
        private readonly Thread _thread;
        private readonly Action _step;
        private readonly Func<int> _delayMs;
        private readonly Action<Exception> _onFailure;
        private int _isSignaled;
        private volatile bool _isStopping;

        public Loop(string name, Action step, Func<int> delayMs, Action<Exception> onFailure)
        {
            _step = step;
            _delayMs = delayMs;
            _onFailure = onFailure;
            _thread = new Thread(Run) { Name = name, IsBackground = true };
            _thread.Start();
        }

        public void Wake()
        {
            if (Interlocked.Exchange(ref _isSignaled, 1) == 0)
            {
                _wake.Set();
            }
        }

        public void Stop()
        {
            _isStopping = true;
            Wake();
            _thread.Join();
        }

        private void Run()
        {
            try
            {
                while (!_isStopping)
                {
                    if (Interlocked.Exchange(ref _isSignaled, 0) == 0)
                    {
                        _wake.WaitOne(_delayMs());
                    }

                    _step();
                }
            }
            catch (Exception exception)
            {
                // A loop that dies silently turns every later acknowledgement into a time-out: the node fails instead.
                _onFailure(exception);
            }
        }
    }
}
