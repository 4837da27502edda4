using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Engine;

/// <summary>Where a stream stands between opening and closing; per partition a place in the log.</summary>
public enum StreamPhase : byte
{
    NotOpen = 0,
    Open = 1,

    /// <summary>Some partitions have folded their close marker, others not yet. Only of a stream, never of a partition.</summary>
    Closing = 2,
    Final = 3,
}

/// <summary>
/// The first half of the fold: verdicts, by identity and claim. A pure function of what it has been given: no clock, chance, thread or I/O.
/// Owned by the partition's writer thread. Rules and their order: docs/internals/fold.md.
/// </summary>
internal sealed class Admission : IDisposable
{
    // Look-ups are made in groups of this many: enough to hide the memory's latency, few enough to stay in the first-level cache.
    private const int Group = 32;

    private readonly OwnerTable? _owners;
    private readonly OwnerTable? _identities;
    private readonly long[] _totals = new long[8];
    private bool _isDefined;
    private long _decidedEnd;

    /// <param name="definition">Only its immutable parts are used here: phase and mutable rules come from the define markers, or from a snapshot (<see cref="Restore"/>).</param>
    /// <param name="firstOffset">First offset of the partition's log or base.</param>
    public Admission(StreamDefinition definition, long firstOffset)
    {
        Definition = definition;
        bool hasTable = definition.Claim is not null || definition.EnforcesIdentity;
        _owners = hasTable ? new OwnerTable(firstOffset) : null;
        _identities = definition.Claim == ClaimKeep.Last ? new OwnerTable(firstOffset) : null;
    }

    public StreamDefinition Definition { get; private set; }

    public StreamPhase Phase { get; private set; }

    /// <summary>The stream was opened again after it was final; every answer says so from then on.</summary>
    public bool Reopened { get; private set; }

    /// <summary>Time in the newest open marker; the smallest value while there is none.</summary>
    public long OpenedAtMs { get; private set; } = long.MinValue;

    /// <summary>Owners (or identities) known.</summary>
    public long Owners => _owners?.Count ?? 0;

    /// <summary>Native memory of the tables, bytes.</summary>
    public long StateBytes => (_owners?.AllocatedBytes ?? 0) + (_identities?.AllocatedBytes ?? 0);

    /// <summary>The tables that a snapshot holds, in the order of its sections.</summary>
    public IEnumerable<OwnerTable> Tables => new[] { _owners, _identities }.OfType<OwnerTable>();

    /// <summary>The last batches of idempotent Kafka producers.</summary>
    public ProducerTable Producers { get; } = new();

    /// <summary>Records by verdict since the log's start; the index is the verdict's number.</summary>
    public ReadOnlySpan<long> Totals => _totals;

    /// <summary>Applies a define, open or close marker.</summary>
    public void ApplyMarker(MarkerType type, ReadOnlySpan<byte> json, StreamDefinition? defined)
    {
        switch (type)
        {
            case MarkerType.Define:
                Definition = defined!;
                if (!_isDefined)
                {
                    // The first definition says whether the stream waits to be opened; a later one cannot undo what was decided since.
                    Phase = defined!.Opens is null ? StreamPhase.Open : StreamPhase.NotOpen;
                    _isDefined = true;
                }

                break;
            case MarkerType.Open:
                Phase = StreamPhase.Open;
                (OpenedAtMs, bool isReopening) = MarkerJson.ReadOpen(json);
                Reopened |= isReopening;
                break;
            case MarkerType.Close:
                Phase = StreamPhase.Final;
                break;
            case MarkerType.Lost:
                break;
            default:
                throw new InvariantException($"A marker of type {type}.");
        }
    }

    /// <summary>Whether an event can be decided without a new entry in the tables: what is let in once the state's memory is used up.</summary>
    public bool NeedsNoMemory(in AdmissionInput input) =>
        _owners is null
        || input.Invalid != VerdictReason.None
        || (_owners.TryGet(input.Owner, out _) && (_identities is null || !input.HasIdentity || _identities.TryGet(input.Identity, out _)));

    /// <summary>
    /// Finds the records that have the payload print of their owner's event: 24 bits, so the payloads themselves have to be compared before
    /// <see cref="Decide"/> (<see cref="ColumnBatch.NoteLookalike"/>). Only where a claim has no declared id.
    /// </summary>
    /// <param name="found">Receives the offset of the owner's event and the index of the record.</param>
    public void FindLookalikes(ColumnBatch batch, List<(long Offset, int Record)> found)
    {
        if (Definition.Claim is null || Definition.Id is not null || Phase != StreamPhase.Open)
        {
            return;
        }

        ReadOnlySpan<AdmissionInput> inputs = batch.Inputs;
        for (int start = 0; start < inputs.Length; start += Group)
        {
            int end = Math.Min(start + Group, inputs.Length);
            Prefetch(inputs[start..end]);
            for (int i = start; i < end; i++)
            {
                if (inputs[i].Invalid == VerdictReason.None && _owners!.TryGet(inputs[i].Owner, out OwnerEntry entry) && entry.PayloadPrint == inputs[i].PayloadPrint)
                {
                    found.Add((_owners.OffsetOf(entry), i));
                }
            }
        }
    }

    /// <summary>Gives every record of a batch its verdict.</summary>
    /// <param name="verdicts">Receives per record <see cref="Verdict"/> in the low and <see cref="VerdictReason"/> in the high four bits: the form of verdict files.</param>
    /// <param name="others">Receives the original's offset for a duplicate or taken event, the replaced one's for a replacement, else -1.</param>
    public void Decide(ColumnBatch batch, Span<byte> verdicts, Span<long> others)
    {
        ReadOnlySpan<AdmissionInput> inputs = batch.Inputs;
        others[..inputs.Length].Fill(-1);
        if (Phase != StreamPhase.Open)
        {
            VerdictReason reason = Phase == StreamPhase.Final ? VerdictReason.AfterClose : VerdictReason.NotOpenYet;
            verdicts[..inputs.Length].Fill(Pack(Verdict.Closed, reason));
        }
        else if (_owners is null)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                verdicts[i] = inputs[i].Invalid == VerdictReason.None ? Pack(Verdict.Counted) : Pack(Verdict.Invalid, inputs[i].Invalid);
            }
        }
        else
        {
            if (Definition.Remember is { } remember)
            {
                _owners.ExpiredBelow = batch.BaseOffset - remember;
            }

            for (int start = 0; start < inputs.Length; start += Group)
            {
                int end = Math.Min(start + Group, inputs.Length);
                Prefetch(inputs[start..end]);
                for (int i = start; i < end; i++)
                {
                    verdicts[i] = DecideOne(batch, i, inputs[i], out others[i]);
                }
            }
        }

        _decidedEnd = batch.BaseOffset + inputs.Length;
        foreach (byte verdict in verdicts[..inputs.Length])
        {
            _totals[verdict & 0xF & 7]++;
        }
    }

    /// <summary>A batch of events has its place in the log: what its producer sends next is held against it.</summary>
    public void NoteAppended(ReadOnlySpan<byte> bytes, long baseOffset, long appendTimeMs)
    {
        bool isBatch = RecordBatch.TryRead(bytes, out RecordBatch batch);
        Invariant.Check(isBatch, "What was appended is no record batch.");
        Producers.Note(batch, baseOffset, appendTimeMs);
    }

    /// <summary>A hash over phase, totals, producers and tables: equal logs give equal hashes on every machine.</summary>
    public UInt128 ContentHash()
    {
        UInt128 hash = unchecked((UInt128)(ulong)Phase + (Reopened ? 16u : 0u) + Producers.ContentHash());
        foreach (long total in _totals)
        {
            hash = unchecked((hash * 1_000_003) + (ulong)total);
        }

        // Entries that remember has ended are dropped when memory wants it, which is no part of the state.
        long expiredBelow = Definition.Remember is { } remember ? _decidedEnd - remember : long.MinValue;
        foreach (OwnerTable table in Tables)
        {
            hash = unchecked((hash * 1_000_003) + table.ContentHash(expiredBelow));
        }

        return hash;
    }

    /// <summary>Bytes of <see cref="WriteState"/>.</summary>
    public const int StateHeaderBytes = 2 + 8 + 8 + 8 + (8 * 8);

    /// <summary>Writes phase, totals and the tables' first offset for a snapshot; the definition is a section of its own, the tables are copied by <see cref="OwnerTable.BeginSnapshot"/>.</summary>
    public void WriteState(Span<byte> destination)
    {
        destination[0] = (byte)Phase;
        destination[1] = Reopened ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64LittleEndian(destination[2..], OpenedAtMs);
        BinaryPrimitives.WriteInt64LittleEndian(destination[10..], _owners?.FirstOffset ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(destination[18..], _decidedEnd);
        for (int i = 0; i < _totals.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(destination[(26 + (i * 8))..], _totals[i]);
        }
    }

    /// <summary>Takes over phase, totals and the tables' first offset from a snapshot; before the tables are loaded.</summary>
    public void ReadState(ReadOnlySpan<byte> source)
    {
        Phase = (StreamPhase)source[0];
        Reopened = source[1] == 1;
        OpenedAtMs = BinaryPrimitives.ReadInt64LittleEndian(source[2..]);
        foreach (OwnerTable table in Tables)
        {
            table.FirstOffset = BinaryPrimitives.ReadInt64LittleEndian(source[10..]);
        }
        _decidedEnd = BinaryPrimitives.ReadInt64LittleEndian(source[18..]);
        for (int i = 0; i < _totals.Length; i++)
        {
            _totals[i] = BinaryPrimitives.ReadInt64LittleEndian(source[(26 + (i * 8))..]);
        }
    }

    /// <summary>Takes over the definition in force at a snapshot's offset; what follows is decided by it until the next define marker.</summary>
    public void Restore(StreamDefinition definition)
    {
        Definition = definition;
        _isDefined = true;
    }

    public void Dispose()
    {
        _owners?.Dispose();
        _identities?.Dispose();
    }

    internal static byte Pack(Verdict verdict, VerdictReason reason = VerdictReason.None) => (byte)((byte)verdict | ((byte)reason << 4));

    private void Prefetch(ReadOnlySpan<AdmissionInput> inputs)
    {
        foreach (ref readonly AdmissionInput input in inputs)
        {
            _owners!.PrefetchTags(input.Owner);
            _identities?.PrefetchTags(input.Identity);
        }

        foreach (ref readonly AdmissionInput input in inputs)
        {
            _owners!.PrefetchEntry(input.Owner);
        }
    }

    private byte DecideOne(ColumnBatch batch, int record, in AdmissionInput input, out long other)
    {
        other = -1;
#if WEIR_PLANTED
        if (Planted.Canary)
        {
            return Pack(Verdict.Counted);
        }
#endif
        if (input.Invalid != VerdictReason.None)
        {
            return Pack(Verdict.Invalid, input.Invalid);
        }

        return Definition.Claim switch
        {
            null => DecideIdentity(input, batch.BaseOffset + record, ref other),
            ClaimKeep.First => DecideFirst(batch, record, input, ref other),
            _ => DecideLast(batch, record, input, ref other),
        };
    }

    private byte DecideIdentity(in AdmissionInput input, long offset, ref long other)
    {
        if (_owners!.TryAdd(input.Owner, offset, input.IdentityPrint, 0, out OwnerEntry existing))
        {
            return Pack(Verdict.Counted);
        }

        long original = _owners.OffsetOf(existing);
#if WEIR_PLANTED
        if (Planted.IdsForgotten && original < offset - 100)
        {
            _owners.Replace(input.Owner, offset, input.IdentityPrint, 0);
            return Pack(Verdict.Counted);
        }
#endif
        if (Definition.Remember is { } remember && original < offset - remember)
        {
            _owners.Replace(input.Owner, offset, input.IdentityPrint, 0);
            return Pack(Verdict.Counted);
        }

        other = original;
        return Pack(Verdict.Duplicate);
    }

    private byte DecideFirst(ColumnBatch batch, int record, in AdmissionInput input, ref long other)
    {
        uint print = PrintOf(input);
        if (_owners!.TryAdd(input.Owner, batch.BaseOffset + record, print, input.PayloadPrint, out OwnerEntry existing))
        {
            return Pack(Verdict.Counted);
        }

        other = _owners.OffsetOf(existing);
        bool isSameEvent = (input.HasIdentity && existing.IdentityPrint == print) || IsSamePayload(batch, record, input, existing);
        return Pack(isSameEvent ? Verdict.Duplicate : Verdict.Taken);
    }

    private byte DecideLast(ColumnBatch batch, int record, in AdmissionInput input, ref long other)
    {
        long offset = batch.BaseOffset + record;
        if (input.HasIdentity && _identities!.TryGet(input.Identity, out OwnerEntry known))
        {
            other = _identities.OffsetOf(known);
            return Pack(Verdict.Duplicate);
        }

        uint print = PrintOf(input);
        Verdict verdict = Verdict.Counted;
        if (!_owners!.TryAdd(input.Owner, offset, print, input.PayloadPrint, out OwnerEntry current))
        {
            other = _owners.OffsetOf(current);

            // The current event's identity is in the table of identities, all 96 bits of it; a print of 24 bits must not decide that a vote does not replace another.
            if (IsSamePayload(batch, record, input, current))
            {
                return Pack(Verdict.Duplicate);
            }

            _owners.Replace(input.Owner, offset, print, input.PayloadPrint);
            verdict = Verdict.Replaced;
        }

        if (input.HasIdentity)
        {
            _identities!.TryAdd(input.Identity, offset, input.IdentityPrint, 0, out _);
        }

        return Pack(verdict);
    }

    // Zero stands for "no identity"; a real print of zero becomes one, which only makes 1 of 2^24 pairs of ids look alike.
    private static uint PrintOf(in AdmissionInput input) => input.HasIdentity ? Math.Max(input.IdentityPrint, 1) : 0;

    private bool IsSamePayload(ColumnBatch batch, int record, in AdmissionInput input, in OwnerEntry entry)
    {
        if (Definition.Id is not null || entry.PayloadPrint != input.PayloadPrint)
        {
            return false;
        }

        // An event of this batch is at hand; one before it has been compared (FindLookalikes), and the owner has had no other since.
        long earlier = _owners!.OffsetOf(entry) - batch.BaseOffset;
        return earlier >= 0 ? batch.ValueOf(record).SequenceEqual(batch.ValueOf((int)earlier)) : !input.IsLookalike;
    }
}
