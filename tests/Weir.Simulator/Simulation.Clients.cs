using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;

namespace Weir.Simulator;

/// <content>What clients and operators do.</content>
internal sealed partial class Simulation
{
    private static readonly string[] Choices = ["a", "b", "ab", "c"];

    private readonly List<Client> _clients = [];
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);
    private int _operation;

    private sealed class Client(int number)
    {
        public int Number => number;

        /// <summary>Waits for an answer.</summary>
        public bool IsBusy { get; set; }
    }

    /// <summary>A client that is not waiting does something.</summary>
    private bool TryAct()
    {
        while (_clients.Count < _mix.Clients)
        {
            _clients.Add(new Client(_clients.Count));
        }

        Client client = _clients[_random.Next(_clients.Count)];
        StreamMix mix = _mix.Streams[_random.Next(_mix.Streams.Count)];
        if (client.IsBusy)
        {
            return false;
        }

        _totals.Operations++;
        _operation++;
        bool isThere = _node.TryGetStream(mix.Name, out EventStream? stream);
        string what = _random.Next(1000) switch
        {
            _ when !isThere => "define",
            < 780 => "send",
            < 850 => "read view",
            < 900 => "read log",
            < 930 => "receipts",
            < 940 => "dead letters",
            < 955 => "close",
            < 975 => "open",
            < 985 => "redefine",
            < 992 => "delete view",
            _ => "define",
        };
        if (FaultOf(what) is { } fault)
        {
            _totals.Count(fault);
        }

        client.IsBusy = true;
        _scheduler.RunHere(() => Begin(new Doing(client, what, mix.Name), () => ActAsync(what, client, mix, stream!)));
        return true;
    }

    private static FaultKind? FaultOf(string what) => what switch
    {
        "close" => FaultKind.StreamClosed,
        "open" => FaultKind.StreamOpened,
        "redefine" => FaultKind.StreamRedefined,
        "delete view" => FaultKind.ViewDeleted,
        _ => null,
    };

    private Task ActAsync(string what, Client client, StreamMix mix, EventStream stream) => what switch
    {
        "send" => SendAsync(client, mix, stream),
        "read view" => Done(() => ReadView(mix)),
        "read log" => Done(() => ReadLog(stream)),
        "receipts" => Done(() => ReadReceipts(mix, stream)),
        "dead letters" => Done(() => ReadDeadLetters(stream)),
        "close" => stream.CloseAsync(),
        "open" => stream.OpenAsync(reopen: true),
        "redefine" => _node.DefineStreamAsync(mix.Name, Parse(mix.Definition(_versions[mix.Name] = _versions.GetValueOrDefault(mix.Name) + 1))),
        "delete view" => _node.DeleteViewAsync(ViewName(mix, _random.Next(mix.Views.Length))),
        _ => DefineAsync(),
    };

    /// <summary>What a client does, who is busy until it ends; or the node for itself.</summary>
    private readonly record struct Doing(Client? Client, string What, string? Stream = null)
    {
        public override string ToString() => Client is null ? What : string.Create(CultureInfo.InvariantCulture, $"client {Client.Number}: {What} {Stream}");
    }

    /// <summary>Notes how an operation ends; one that a crash takes with it never does.</summary>
    private async void Begin(Doing what, Func<Task> operation)
    {
        _trace.Write($"{what}");
        Scheduler scheduler = _scheduler;
        try
        {
            await operation();
        }
        catch (WeirException exception)
        {
            _trace.Write($"{what}: {exception.Code} {exception.Message}");
            _ledger.Note(exception.Code.ToString());
        }
        catch (Violation violation)
        {
            Break(violation);
        }
        catch (Exception exception) when (!_disk.IsDead && !scheduler.IsDead)
        {
            Break(new Violation("I10 ServingOrStoppedWithAReason", $"{what}: {exception}"));
        }
        catch (Exception)
        {
            // The process died in the middle of it.
        }

        if (!scheduler.IsDead && what.Client is { } client)
        {
            client.IsBusy = false;
        }
    }

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static string ViewName(StreamMix stream, int number) => stream.ViewNames[number];

    /// <summary>Defines what is not there.</summary>
    private async Task DefineAsync()
    {
        foreach (StreamMix stream in _mix.Streams)
        {
            if (!_node.TryGetStream(stream.Name, out _))
            {
                await _node.DefineStreamAsync(stream.Name, Parse(stream.Definition(_versions.GetValueOrDefault(stream.Name))));
            }

            for (int i = 0; i < stream.Views.Length; i++)
            {
                if (!_node.TryGetView(ViewName(stream, i), out _))
                {
                    await _node.DefineViewAsync(ViewName(stream, i), new ViewDefinition(stream.Views[i], Keep: 3));
                }
            }
        }
    }

    private async Task SendAsync(Client client, StreamMix mix, EventStream stream)
    {
        int operation = _operation;
        List<(SentEvent Sent, Attempt Attempt)> sent = [];
        int count = _random.Next(1, _mix.MostEvents + 1);
        for (int i = 0; i < count; i++)
        {
            SentEvent one = Draw(mix);
            var attempt = new Attempt(client.Number, operation);
            one.Attempts.Add(attempt);
            sent.Add((one, attempt));
        }

        await SubmitAsync(client, stream, sent);
    }

    private async Task SubmitAsync(Client client, EventStream stream, List<(SentEvent Sent, Attempt Attempt)> sent)
    {
        IngestBatch batch = stream.NewBatch();
        foreach ((SentEvent one, _) in sent)
        {
            batch.Add(one.Value, one.IdempotencyKey is { } key ? EventHeaders.FromIdempotencyKey(key, null) : EventHeaders.None);
        }

        bool isDurable = _random.Next(10) == 0;
        ValueTask submitted = isDurable ? batch.SubmitDurablyAsync() : batch.SubmitAsync();
        if (_hasFaults && !submitted.IsCompleted && _random.Next(30) == 0)
        {
            // The client has gone; the server lets go of its batch, and he may send the same again at once.
            batch.Dispose();
            client.IsBusy = false;
            _totals.Count(FaultKind.ClientGaveUp);
            return;
        }

        await submitted;
        IngestTotals totals = batch.Totals;
        for (int i = 0; i < sent.Count; i++)
        {
            Tell(sent[i].Sent, sent[i].Attempt, batch.OutcomeOf(i), isDurable, totals);
        }

        batch.Dispose();
        _trace.Write($"client {client.Number} was told: {string.Join(' ', sent.Select(one => FormattableString.Invariant($"{one.Sent.Number}={one.Attempt.Told}/{one.Attempt.Verdict}@{one.Attempt.Partition}:{one.Attempt.Offset}")))}");
    }

    private void Tell(SentEvent sent, Attempt attempt, EventOutcome outcome, bool isDurable, in IngestTotals totals)
    {
        (Told told, Verdict verdict) = outcome.Kind switch
        {
            OutcomeKind.Refused => (Told.Refused, Verdict.None),
            OutcomeKind.Unknown => (Told.Unknown, Verdict.None),
            _ when isDurable => (totals.Unknown == 0 && totals.Durable > 0 ? Told.Durable : Told.Unknown, Verdict.None),
            _ => (Told.Decided, outcome.Verdict),
        };
        _ledger.Tell(sent, attempt, told, verdict, outcome.Partition, isDurable ? -1 : outcome.Offset);
    }

    /// <summary>A new event, one that was sent before, or another one with the id of such a one.</summary>
    private SentEvent Draw(StreamMix mix)
    {
        SentEvent? earlier = null;
        if (_ledger.Events.Count > 0 && _random.Next(100) < 35)
        {
            int back = _random.Next(3) == 0 ? _ledger.Events.Count : Math.Min(_ledger.Events.Count, 20);
            earlier = _ledger.Events[^_random.Next(1, back + 1)];
            if (earlier.Stream != mix.Name)
            {
                earlier = null;
            }
            else if (_random.Next(4) > 0)
            {
                _totals.Count(FaultKind.EventAgain);
                return earlier;
            }
        }

        if (earlier is not null)
        {
            _totals.Count(FaultKind.EventWithUsedId);
        }

        int number = _ledger.Events.Count;
        string user = earlier?.User ?? string.Create(CultureInfo.InvariantCulture, $"u{_random.Next(_mix.Users)}");
        string id = earlier?.Identity?.Split('/')[^1] ?? string.Create(CultureInfo.InvariantCulture, $"e{number}");
        string? identity = !mix.HasIdentity ? null : mix.HasKey ? $"{user}/{id}" : id;
        string amount = string.Create(CultureInfo.InvariantCulture, $"{_random.Next(20)}.{_random.Next(100):00}");
        long time = 1_795_176_000_000 + (_random.Next(600) * 1000L);
        string json = string.Create(CultureInfo.InvariantCulture, $"{{\"user\":\"{user}\",\"id\":\"{id}\",\"choice\":\"{Choices[_random.Next(Choices.Length)]}\",\"amount\":{amount},\"t\":{time},\"n\":{number}}}");
        bool isBroken = _random.Next(40) == 0;
        if (isBroken)
        {
            _totals.Count(FaultKind.EventBroken);

            // Cut short it is no JSON; without its fields it may still be known by its header.
            bool isCut = _random.Next(2) == 0;
            identity = isCut || !mix.IsByHeader ? null : identity;
            json = isCut ? json[..^1] : json.Replace("\"id\":", "\"id\":null,\"x\":", StringComparison.Ordinal).Replace("\"user\":", "\"y\":", StringComparison.Ordinal);
        }

        var sent = new SentEvent(number, mix.Name, user, identity, mix.IsByHeader ? id : null, Encoding.UTF8.GetBytes(json));
        _ledger.Events.Add(sent);
        return sent;
    }

    private void ReadView(StreamMix mix)
    {
        string name = ViewName(mix, _random.Next(mix.Views.Length));
        if (_node.TryGetView(name, out View? view) && view.State == ViewState.Live)
        {
            ViewPage page = view.Model.Query(new ViewRequest { Limit = ViewRequest.MaxLimit });
            _trace.Write($"read {name} {page.ETag}");
            if (IsBehindDamage(view.Stream))
            {
                // Behind damage the fold ends, and says so.
                return;
            }

            _ledger.Read(name, view.Version, page.Position, Encoding.UTF8.GetString(page.Rows.Span), page.ErrorCount);
        }
    }

    private void ReadLog(EventStream stream)
    {
        int partition = _random.Next(stream.PartitionCount);
        PartitionStatus status = stream.Partitions[partition];
        if (status.FlushedEnd > status.LogStart)
        {
            foreach (StoredEvent stored in stream.ReadEvents(partition, _random.NextInt64(status.LogStart, status.FlushedEnd), _random.Next(1, 50)))
            {
                _ledger.Read(stream.Name, stored);
            }
        }
    }

    private void ReadReceipts(StreamMix mix, EventStream stream)
    {
        if (_ledger.Events.Count == 0 || !mix.HasIdentity || mix.IsByHeader)
        {
            return;
        }

        SentEvent asked = _ledger.Events[_random.Next(_ledger.Events.Count)];
        if (asked.Stream != mix.Name || asked.Identity is not { } identity)
        {
            return;
        }

        IReadOnlyList<StoredEvent> receipts = stream.FindReceipts(Encoding.UTF8.GetBytes(identity.Split('/')[^1]), ReceiptBy.Id, limit: 1000);
        foreach (StoredEvent stored in receipts)
        {
            _ledger.Read(stream.Name, stored);
        }

        foreach (Attempt attempt in asked.Attempts)
        {
            bool isReadable = attempt.Partition >= 0 && stream.Partitions[attempt.Partition].State == PartitionState.Serving;
            if (attempt.Told == Told.Decided && attempt.Verdict != Verdict.Duplicate && isReadable && !receipts.Any(stored => stored.Partition == attempt.Partition && stored.Offset == attempt.Offset))
            {
                throw new Violation("I1 NoAcknowledgedLoss", $"The receipts of {asked.Identity} lack what was acknowledged as {attempt.Verdict} at {attempt.Partition}:{attempt.Offset}.");
            }
        }
    }

    private void ReadDeadLetters(EventStream stream)
    {
        foreach (StoredEvent stored in stream.ReadDeadLetters(null, limit: 200, out _))
        {
            _ledger.Read(stream.Name, stored);
        }
    }
}
