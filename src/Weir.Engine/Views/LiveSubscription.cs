namespace Weir.Engine;

/// <summary>
/// One reader of a view's frames. It holds a place, no frames: whoever is slow costs no memory, and when what it missed is no
/// longer there, or is more than the state itself, it gets the newest state instead. One caller at a time; nothing to dispose.
/// </summary>
public sealed class LiveSubscription
{
    private readonly ReadModel _model;
    private long _next;

    /// <param name="next">Sequence of the first frame wanted; -1: a snapshot first.</param>
    internal LiveSubscription(ReadModel model, long next)
    {
        _model = model;
        _next = next;
    }

    /// <summary>The next frame, as soon as there is one.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the place is kept, so the call can be repeated.</exception>
    public async ValueTask<LiveFrame> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            // Taken before looking, so that a frame made in between completes it.
            Task changed = _model.Changed;
            if (_model.FrameFrom(ref _next) is { } frame)
            {
                return frame;
            }

            await changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }
}
