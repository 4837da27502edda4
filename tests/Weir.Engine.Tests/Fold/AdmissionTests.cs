using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Engine.Tests;

/// <summary>The rules of admission (docs/internals/fold.md), one by one and against a model with dictionaries.</summary>
public sealed class AdmissionTests
{
    private const string KeepFirst = """{"key":"user","id":"id","claim":{"by":"user"}}""";
    private const string KeepFirstNoId = """{"key":"user","claim":{"by":"user"}}""";
    private const string KeepLast = """{"key":"user","id":"id","claim":{"by":"user","keep":"last"}}""";
    private const string KeepLastNoId = """{"key":"user","claim":{"by":"user","keep":"last"}}""";
    private const string Id = """{"id":"id"}""";
    private const string KeyAndId = """{"key":"user","id":"id"}""";
    private const string Remember = """{"key":"user","id":"id","remember":7}""";

    [Theory]
    [InlineData(Id, "1", "1,2", "counted", "duplicate:1", "counted")]
    [InlineData(KeyAndId, "ada/1", "ada/1,bob/1,ada/2", "counted", "duplicate:1", "counted", "counted")]
    [InlineData(KeepFirst, "ada/1", "ada/1,ada/2,bob/1", "counted", "duplicate:1", "taken:1", "counted")]
    [InlineData(KeepFirst, "ada/1/x", "ada/1/y,ada/2/x", "counted", "duplicate:1", "taken:1")]
    [InlineData(KeepFirstNoId, "ada//x", "ada//x,ada//y,ada/h/x,ada/h/y", "counted", "duplicate:1", "taken:1", "duplicate:1", "taken:1")]
    [InlineData(KeepFirstNoId, "ada/h/x", "ada/h/y,ada/g/x,ada//y", "counted", "duplicate:1", "duplicate:1", "taken:1")]
    [InlineData(KeepLast, "ada/1", "ada/2,ada/1,ada/2,ada/3,bob/1", "counted", "replaced:1", "duplicate:1", "duplicate:2", "replaced:2", "counted")]
    [InlineData(KeepLastNoId, "ada//x", "ada//x,ada//y,ada//x,ada/h/z,ada//z,ada/h/x", "counted", "duplicate:1", "replaced:1", "replaced:3", "replaced:4", "duplicate:5", "duplicate:5")]
    [InlineData(Id, "1", "", "counted")]
    [InlineData("{}", "1", "1", "counted", "counted")]
    [InlineData("""{"id":"id","delivery":"at-least-once"}""", "1", "1,", "counted", "counted", "invalid")]
    [InlineData(Remember, "ada/1", "ada/1,ada/a,ada/b,ada/c,ada/d,ada/e,ada/1,ada/f,ada/1,ada/1", "counted", "duplicate:1", "counted", "counted", "counted", "counted", "counted", "duplicate:1", "counted", "counted", "duplicate:10")]
    public void Verdicts_follow_the_rules(string definition, string first, string others, params string[] verdicts)
    {
        using var log = new AdmissionLog(definition);
        string[] events = [first, .. others.Split(',').Take(verdicts.Length - 1)];

        Assert.Equal(verdicts, log.Append(events.Select(Parse).ToArray()));
    }

    [Fact]
    public void Closed_comes_before_invalid_and_leaves_nothing_behind()
    {
        using var log = new AdmissionLog("""{"id":"id","opens":"2026-11-20T20:00:00Z"}""");

        Assert.Equal(["closed", "closed"], log.Append(new Sent(null, "1"), new Sent(null, null)));
        log.Open();
        Assert.Equal(["counted", "invalid"], log.Append(new Sent(null, "1"), new Sent(null, null)));
        log.Close();
        Assert.Equal(StreamPhase.Final, log.Admission.Phase);
        Assert.Equal(["closed", "closed", "closed"], log.Append(new Sent(null, "1"), new Sent(null, "2"), new Sent(null, null)));
        log.Open(isReopening: true);
        Assert.True(log.Admission.Reopened);
        Assert.Equal(["duplicate:4", "counted"], log.Append(new Sent(null, "1"), new Sent(null, "2")));
    }

    [Fact]
    public void Dead_letters_use_up_neither_identity_nor_claim()
    {
        using var log = new AdmissionLog(KeepFirst);

        Assert.Equal(["counted", "taken:1", "invalid", "counted"], log.Append(new Sent("ada", "1"), new Sent("ada", "2"), new Sent("bob", null), new Sent("bob", "2")));
        Assert.Equal(2, log.Admission.Owners);
    }

    [Fact]
    public void Verdicts_are_those_of_a_model_with_dictionaries_however_the_log_is_cut_into_batches()
    {
        Gen<Sent> events =
            from user in Gen.Choose(0, 6)
            from id in Gen.Frequency((5, Gen.Choose(0, 12).Select(i => $"i{i}")), (1, Gen.Constant<string>(null!)))
            from payload in Gen.Choose(0, 2)
            select new Sent($"u{user}", id, $"p{payload}");
        Gen<(string, Sent[], int[])> runs =
            from definition in Gen.Elements(KeepFirst, KeepFirstNoId, KeepLast, KeepLastNoId, Id, KeyAndId, Remember, "{}")
            from sent in events.ArrayOf()
            from cuts in Gen.Choose(1, 9).NonEmptyListOf()
            select (definition, sent, cuts.ToArray());
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(600).WithEndSize(150), Prop.ForAll(runs.ToArbitrary(), run =>
        {
            (string definition, Sent[] sent, int[] cuts) = run;
            var model = new Model(definition);
            string[] expected = [.. sent.Select((one, i) => model.Decide(one, i + 1))];
            using var whole = new AdmissionLog(definition);
            using var inPieces = new AdmissionLog(definition);
            Assert.Equal(expected, whole.Append(sent));
            List<string> pieces = [];
            for (int at = 0, cut = 0; at < sent.Length; cut++)
            {
                int count = Math.Min(cuts[cut % cuts.Length], sent.Length - at);
                pieces.AddRange(inPieces.Append(sent[at..(at + count)]));
                at += count;
            }

            Assert.Equal(expected, pieces);
            Assert.Equal(whole.Admission.ContentHash(), inPieces.Admission.ContentHash());
        }));
    }

    [Fact]
    public void State_written_at_any_cut_and_the_tail_give_the_state_of_the_whole_log()
    {
        Gen<Sent> events = from user in Gen.Choose(0, 40) from id in Gen.Choose(0, 60) from payload in Gen.Choose(0, 2) select new Sent($"u{user}", $"i{id}", $"p{payload}");
        Gen<(string, Sent[], int)> runs = from definition in Gen.Elements(KeepFirst, KeepLast, KeepLastNoId, Id, Remember) from sent in events.ArrayOf() from cut in Gen.Choose(0, 1000) select (definition, sent, cut);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(300), Prop.ForAll(runs.ToArbitrary(), run =>
        {
            (string definition, Sent[] sent, int where) = run;
            int cut = sent.Length == 0 ? 0 : where % sent.Length;
            using var whole = new AdmissionLog(definition);
            string[] expected = whole.Append(sent);
            using var head = new AdmissionLog(definition);
            head.Append(sent[..cut]);
            using AdmissionLog tail = head.Restart();
            Assert.Equal(expected[cut..], tail.Append(sent[cut..]));
            Assert.Equal(whole.Admission.ContentHash(), tail.Admission.ContentHash());
        }));
    }

    private static Sent Parse(string text)
    {
        string[] parts = text.Split('/');
        string? Part(int i) => i < parts.Length && parts[i].Length > 0 ? parts[i] : null;
        return parts.Length == 1 ? new Sent(null, Part(0)) : new Sent(Part(0), Part(1), Part(2));
    }

    /// <summary>An event: owner, id (in the value where the stream declares one, else as a header) and payload.</summary>
    private sealed record Sent(string? User, string? Id, string? Payload = null);

    /// <summary>The rules once more, with whole values for keys.</summary>
    private sealed class Model(string json)
    {
        private readonly StreamDefinition _definition = StreamDefinition.Parse(Encoding.UTF8.GetBytes(json));
        private readonly Dictionary<string, (long Offset, string? Id, string? Payload)> _owners = [];
        private readonly Dictionary<string, long> _identities = [];

        public string Decide(Sent sent, long offset)
        {
            string owner = sent.User!;
            string? identity = sent.Id is null ? null : _definition.Key.Count > 0 ? $"{owner} {sent.Id}" : sent.Id;
            if (_definition.Id is not null && sent.Id is null)
            {
                return "invalid";
            }

            switch (_definition.Claim)
            {
                case ClaimKeep.First:
                    if (_owners.TryAdd(owner, (offset, sent.Id, sent.Payload)))
                    {
                        return "counted";
                    }

                    bool isRetry = (sent.Id is not null && sent.Id == _owners[owner].Id) || (_definition.Id is null && sent.Payload == _owners[owner].Payload);
                    return $"{(isRetry ? "duplicate" : "taken")}:{_owners[owner].Offset}";
                case ClaimKeep.Last:
                    if (identity is not null && _identities.TryGetValue(identity, out long known))
                    {
                        return $"duplicate:{known}";
                    }

                    bool hasOwner = _owners.TryGetValue(owner, out (long Offset, string? Id, string? Payload) current);
                    if (hasOwner && _definition.Id is null && current.Payload == sent.Payload)
                    {
                        return $"duplicate:{current.Offset}";
                    }

                    _owners[owner] = (offset, sent.Id, sent.Payload);
                    if (identity is not null)
                    {
                        _identities[identity] = offset;
                    }

                    return hasOwner ? $"replaced:{current.Offset}" : "counted";
            }

            if (_definition.Delivery != Delivery.ExactlyOnce)
            {
                return "counted";
            }

            if (_identities.TryGetValue(identity!, out long seen) && (_definition.Remember is not { } remember || seen >= offset - remember))
            {
                return $"duplicate:{seen}";
            }

            _identities[identity!] = offset;
            return "counted";
        }
    }

    /// <summary>A partition's log without a disk: a define marker at offset 0, then what is appended.</summary>
    private sealed class AdmissionLog : IDisposable
    {
        private readonly StreamDefinition _definition;
        private readonly StreamPlan _plan;
        private readonly EventScratch _scratch = new();
        private long _end;

        public AdmissionLog(string definition)
            : this(StreamDefinition.Parse(Encoding.UTF8.GetBytes(definition)))
        {
            Admission.ApplyMarker(MarkerType.Define, [], _definition);
            _end = 1;
        }

        private AdmissionLog(StreamDefinition definition)
        {
            _definition = definition;
            _plan = StreamPlan.For(definition, new KeyedHash(3, 4), ColumnSet.Empty);
            Admission = new Admission(definition, firstOffset: 0);
        }

        public Admission Admission { get; }

        public string[] Append(params Sent[] events)
        {
            if (events.Length == 0)
            {
                return [];
            }

            var writer = new RecordBatchWriter();
            writer.Begin(0);
            foreach (Sent sent in events)
            {
                string id = _definition.Id is null ? "" : sent.Id is null ? ",\"id\":null" : $",\"id\":\"{sent.Id}\"";
                EventHeaders headers = _definition.Id is null && sent.Id is not null ? EventHeaders.From([new("id", sent.Id)]) : EventHeaders.None;
                string value = $"{{\"user\":\"{sent.User ?? "nobody"}\"{id},\"payload\":\"{sent.Payload}\"}}";
                writer.Append(hasKey: false, [], Encoding.UTF8.GetBytes(value), headers.Wire, headers.Count);
            }

            writer.Finish();
            var columns = new ColumnBatch();
            _plan.Extract(writer.Memory, columns, _scratch);
            columns.BaseOffset = _end;
            var verdicts = new byte[events.Length];
            var others = new long[events.Length];
            Admission.Decide(columns, verdicts, others);
            _end += events.Length;
            return [.. verdicts.Zip(others, (packed, other) => ((Verdict)(packed & 0xF)).Word() + (other >= 0 ? $":{other}" : ""))];
        }

        public void Open(bool isReopening = false)
        {
            Admission.ApplyMarker(MarkerType.Open, MarkerJson.OpenOrClose(1, isReopening, isDeclared: false, isOpening: true), null);
            _end++;
        }

        public void Close()
        {
            Admission.ApplyMarker(MarkerType.Close, MarkerJson.OpenOrClose(1, isReopening: false, isDeclared: false, isOpening: false), null);
            _end++;
        }

        /// <summary>The same state in new tables, as a snapshot at the end gives it.</summary>
        public AdmissionLog Restart()
        {
            var state = new byte[Admission.StateHeaderBytes];
            Admission.WriteState(state);
            var restarted = new AdmissionLog(_definition) { _end = _end };
            restarted.Admission.ReadState(state);
            restarted.Admission.Restore(_definition);
            List<OwnerEntry> shard = [];
            foreach ((OwnerTable from, OwnerTable to) in Admission.Tables.Zip(restarted.Admission.Tables))
            {
                from.BeginSnapshot(_end);
                while (from.CopyNextShard(shard))
                {
                    to.LoadShard(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(shard));
                    shard.Clear();
                }
            }

            return restarted;
        }

        public void Dispose() => Admission.Dispose();
    }
}
