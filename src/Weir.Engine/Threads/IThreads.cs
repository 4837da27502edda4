namespace Weir.Engine;

/// <summary>
/// Where the node's loops and jobs run, and how they wait for each other. Two implementations: <see cref="OsThreads"/>, and the simulator's, which
/// runs one thing at a time and lets a seed choose which. So nothing in the engine starts a thread, waits, or uses the pool past this interface;
/// where it awaits, it is continued in its caller's context.
/// </summary>
internal interface IThreads
{
    /// <summary>Starts a loop: <paramref name="step"/> again and again, in between it sleeps until it is woken or <paramref name="delayMs"/> have passed.</summary>
    /// <param name="delayMs">Asked before each sleep; <see cref="Timeout.Infinite"/>: until it is woken.</param>
    /// <param name="onFailure">Receives what a step threw; the loop has ended then.</param>
    ILoop StartLoop(string name, Action step, Func<int> delayMs, Action<Exception> onFailure);

    /// <param name="threads">Flushes at once, at most.</param>
    IFlusher StartFlusher(int threads, Action<Exception> onFailure);

    /// <summary>Runs a job that may take long and may <see cref="Wait"/>.</summary>
    /// <returns>Completes when the job has ended; faults with what it threw, which the caller must look at.</returns>
    Task Start(string name, Action job);

    /// <summary>Blocks the loop or job that calls until a task has ended, however it did.</summary>
    /// <param name="other">Null, or another task whose end ends the waiting as well. (Task.WhenAny would be continued on the pool.)</param>
    /// <returns>False: neither has within <paramref name="timeout"/>.</returns>
    bool Wait(Task task, TimeSpan timeout, Task? other = null);

    /// <summary>Lets somebody else's thread go on with a request.</summary>
    void Queue(IThreadPoolWorkItem item);
}

/// <summary>A loop that <see cref="IThreads.StartLoop"/> started.</summary>
internal interface ILoop
{
    /// <summary>There is something to do. Any thread; cheap when the loop is awake already.</summary>
    void Wake();

    /// <summary>Ends the loop after its current step and waits for that.</summary>
    void Stop();
}

/// <summary>Waits for fdatasync, so that writer threads fold meanwhile and several partitions flush at once. Disposing it waits for what is queued.</summary>
internal interface IFlusher : IDisposable
{
    /// <summary>Has <see cref="Partition.FlushRound"/> called. Any thread; each partition has at most one flush at a time, which bounds the queue.</summary>
    void Enqueue(Partition partition);
}
