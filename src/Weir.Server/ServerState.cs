using Weir.Core;
using Weir.Engine;

namespace Weir.Server;

/// <summary>
/// Where the server stands between start and stop, and the one way for a request to reach the node. Written by <see cref="ServerHost"/>,
/// read by every request.
/// </summary>
internal sealed class ServerState(WeirNode node, TimeProvider time) : IDisposable
{
    /// <summary>How long a request, or the start, waits for a view that is being built. A longer build goes on beside the traffic.</summary>
    public static readonly TimeSpan BuildPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _ending = new();
    private volatile IReadOnlyDictionary<string, WeirException> _delayed = new Dictionary<string, WeirException>();
    private volatile bool _hasDefinitions;
    private volatile bool _isReady;
    private volatile bool _isStopping;
    private volatile bool _refusesWrites;

    public WeirNode Node { get; } = node;

    public TimeProvider Time { get; } = time;

    public StreamRates Rates { get; } = new(time);

    /// <summary>Cancelled when live subscribers are told goodbye.</summary>
    public CancellationToken IsEnding => _ending.Token;

    /// <summary>True once the configuration's streams and views are defined: before that, "there is no such stream" would not be true for long.</summary>
    public bool HasDefinitions
    {
        get => _hasDefinitions;
        set => _hasDefinitions = value;
    }

    /// <summary>What of the configuration could not be applied because the disk did not take it, by <c>stream name</c> and <c>view name</c>; it is tried again. Empty: nothing.</summary>
    public IReadOnlyDictionary<string, WeirException> Delayed
    {
        get => _delayed;
        set => _delayed = value;
    }

    /// <summary>True once the state is recovered and the configuration's definitions are applied.</summary>
    public bool IsReady
    {
        get => _isReady;
        set => _isReady = value;
    }

    /// <summary>True from the first sign of stopping on, while everything is still served.</summary>
    public bool IsStopping
    {
        get => _isStopping;
        set => _isStopping = value;
    }

    /// <summary>True once the drain is over: what is in flight is finished, nothing new is taken.</summary>
    public bool RefusesWrites
    {
        get => _refusesWrites;
        set => _refusesWrites = value;
    }

    public void End() => _ending.Cancel();

    public void Dispose() => _ending.Dispose();

    /// <exception cref="WeirException">Not recovered yet, stopping, or there is no such stream.</exception>
    public EventStream StreamForWriting(string name)
    {
        NodeForWriting(name);
        return Stream(name);
    }

    /// <summary>The node, for a user who wants to change the stream or view of that name.</summary>
    /// <exception cref="WeirException">Not recovered yet, stopping, or the name is the server's own (<see cref="ErrorCode.ReservedName"/>).</exception>
    public WeirNode NodeForWriting(string name) =>
        IsReserved(name) ? throw new WeirException(ErrorCode.ReservedName, $"`{name}` is kept by the server itself.") : NodeForWriting();

    /// <summary>Whether streams and views of that name belong to the server.</summary>
    public static bool IsReserved(string name) => name.StartsWith("__", StringComparison.Ordinal);

    /// <exception cref="WeirException">Not recovered yet, or stopping.</exception>
    public WeirNode NodeForWriting() => _refusesWrites
        ? throw new WeirException(ErrorCode.ShuttingDown, "The server is stopping and takes nothing more.")
        : Recovered();

    /// <exception cref="WeirException">Not recovered yet, or there is no such view.</exception>
    public View View(string name) =>
        Recovered().TryGetView(name, out View? view) ? view : throw Missing($"view {name}", $"view {name}", ErrorCode.UnknownView, $"There is no view `{name}`.");

    /// <exception cref="WeirException">Not recovered yet, or there is no such stream.</exception>
    public EventStream Stream(string name) =>
        Recovered().TryGetStream(name, out EventStream? stream) ? stream : throw Missing(name, $"stream {name}", ErrorCode.UnknownStream, $"There is no stream `{name}`.");

    /// <summary>
    /// The rows of a view that is built. Over little that takes a moment, and whoever asks right after a start or a definition means the built one.
    /// </summary>
    /// <exception cref="WeirException">It is still being built after <paramref name="wait"/> (retry), or could not be.</exception>
    public async Task<ReadModel> BuiltAsync(View view, TimeSpan wait, CancellationToken cancellation)
    {
        long began = Time.GetTimestamp();
        while (view.State == ViewState.Building && view.WaitsFor is null && Time.GetElapsedTime(began) < wait)
        {
            await Task.Delay(BetweenLooks, Time, cancellation);
        }

        return view.State switch
        {
            ViewState.Live => view.Model,
            ViewState.Building => throw new WeirException(ErrorCode.ViewBuilding, view.WaitsFor is { } cause
                ? $"The view {view.Name} waits: {cause}"
                : FormattableString.Invariant($"The view {view.Name} is being built from the log: {view.BuildProgress:P0}.")),
            _ => throw new WeirException(ErrorCode.ViewStopped, $"The view {view.Name} could not be built: {view.Failure}"),
        };
    }

    /// <exception cref="WeirException">Not recovered yet, or failed.</exception>
    public WeirNode Recovered() => Node.State switch
    {
        NodeState.Serving or NodeState.Draining => _hasDefinitions ? Node : throw new WeirException(ErrorCode.Recovering, "The configuration's definitions are being applied."),
        NodeState.Created or NodeState.Recovering => throw new WeirException(ErrorCode.Recovering, FormattableString.Invariant($"The state is being rebuilt from the log: {Node.RecoveryProgress:P0}.")),
        NodeState.Stopped => throw new WeirException(ErrorCode.ShuttingDown, "The server is stopping."),
        _ => throw new WeirException(ErrorCode.Internal, "The node has failed; the log says why."),
    };

    // What cannot be read, or not be made yet, is not "unknown": whoever is told that would define it anew, or give up.
    private WeirException Missing(string stored, string configured, ErrorCode unknown, string text) =>
        Node.Unreadable.TryGetValue(stored, out string? reason) ? new WeirException(ErrorCode.DiskError, reason)
        : _delayed.TryGetValue(configured, out WeirException? failure) ? new WeirException(failure.Code, $"The {configured} is not defined yet: {failure.Message}")
        : new WeirException(unknown, text);
}
