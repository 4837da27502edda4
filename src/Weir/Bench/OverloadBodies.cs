namespace Weir.Cli.Bench;

/// <summary>Bodies that were made once and are filled with other ids for each request; as many as were ever sent at one time.</summary>
internal sealed class OverloadBodies
{
    private readonly string _stream;
    private readonly int _batch;
    private readonly bool _asksFirst;
    private readonly Stack<VoteBody> _spread = [];
    private readonly Stack<VoteBody> _hot = [];
    private readonly byte[] _head;

    public OverloadBodies(string stream, int batch, bool asksFirst)
    {
        (_stream, _batch, _asksFirst) = (stream, batch, asksFirst);
        VoteBody first = Make(isHot: false);
        _head = first.Head.ToArray();
        _spread.Push(first);
    }

    /// <summary>The same for every request.</summary>
    public ReadOnlySpan<byte> Head => _head;

    public VoteBody Take(OverloadRequest request)
    {
        if (!(request.IsHot ? _hot : _spread).TryPop(out VoteBody? body))
        {
            body = Make(request.IsHot);
        }

        body.Renew(request.FirstId);
        return body;
    }

    public void Return(VoteBody body, OverloadRequest request) => (request.IsHot ? _hot : _spread).Push(body);

    private VoteBody Make(bool isHot) => new(_stream, _batch, isHot ? UserChoice.One : UserChoice.Million, seed: 1, _asksFirst);
}
