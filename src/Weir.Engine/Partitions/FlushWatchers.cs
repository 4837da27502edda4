namespace Weir.Engine;

/// <summary>Those who wait until a partition has flushed more: consumers at its end. Any thread. As many as there are waiting requests.</summary>
internal sealed class FlushWatchers
{
    private readonly Lock _changing = new();
    private volatile Watcher[] _watchers = [];

    /// <summary>Dispose the result to end it; a call that is under way may still come.</summary>
    public IDisposable Add(Action callback)
    {
        var watcher = new Watcher(this, callback);
        lock (_changing)
        {
            _watchers = [.. _watchers, watcher];
        }

        return watcher;
    }

    public void Tell()
    {
        foreach (Watcher watcher in _watchers)
        {
            watcher.Callback();
        }
    }

    private sealed class Watcher(FlushWatchers all, Action callback) : IDisposable
    {
        public Action Callback => callback;

        public void Dispose()
        {
            lock (all._changing)
            {
                all._watchers = [.. all._watchers.Where(watcher => watcher != this)];
            }
        }
    }
}
