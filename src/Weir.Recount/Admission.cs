using System.Buffers;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Weir.Core;

namespace Weir.Recount;

/// <summary>One event as admission sees it. The bytes belong to the reader's batch.</summary>
internal readonly ref struct LoggedEvent
{
    public required ReadOnlyMemory<byte> Json { get; init; }

    public ReadOnlySpan<byte> Value => Json.Span;

    /// <summary>False for a record without a value (a tombstone of Kafka's), which is no event.</summary>
    public required bool HasValue { get; init; }

    public required ReadOnlySpan<byte> Key { get; init; }
    public required bool HasKey { get; init; }
    public required RecordHeaders Headers { get; init; }
    public required long Offset { get; init; }
}

/// <summary>The headers that a rule reads; null: not there.</summary>
internal sealed class RecordHeaders
{
    public static readonly RecordHeaders None = new();

    public string? Id { get; set; }
    public string? IdempotencyKey { get; set; }

    /// <summary>CloudEvents attributes, names without <c>ce_</c>; values one character a byte.</summary>
    public Dictionary<string, string> CloudEvent { get; } = new(StringComparer.Ordinal);

    public void Clear()
    {
        Id = IdempotencyKey = null;
        CloudEvent.Clear();
    }
}

/// <summary>
/// The rules of one partition, replayed record by record. Owners and identities are known by their hashes (see <see cref="SecretHash"/>), only those
/// of one class at a time, so that a log of any size is counted in several passes.
/// </summary>
internal sealed class Admission
{
    private readonly int _class;
    private readonly int _classes;
    private readonly Owners _owners;
    private readonly Owners _identities;
    private readonly BaseState? _base;
    private readonly SecretHash _secret;
    private readonly UInt128 _hashMask;
    private readonly FieldTree _tree;
    private readonly int[] _keySlots;
    private readonly int _idSlot;
    private readonly int[] _fieldSlots;
    private readonly JsonField[] _fields;
    private readonly ArrayBufferWriter<byte> _key = new();

    /// <summary>A letter for where it comes from, then the identity; empty: the event has none.</summary>
    private readonly ArrayBufferWriter<byte> _identity = new();
    private readonly ArrayBufferWriter<byte> _pair = new();

    /// <param name="rules">What the define marker in force says. Key, id and claim never change, so state survives <see cref="WithRules"/>.</param>
    /// <param name="viewFields">Adds the fields that the view reads to the tree; they are then in <see cref="Fields"/>.</param>
    /// <param name="ownerClass">Which of the classes this pass decides, from 0.</param>
    /// <param name="owners">Cleared by the caller.</param>
    /// <param name="identities">Used with <c>keep: last</c> only; cleared by the caller.</param>
    /// <param name="from">What the log begins with; null: nothing.</param>
    public Admission(StreamRules rules, Action<FieldTree> viewFields, int ownerClass, int classes, Owners owners, Owners identities, BaseState? from)
    {
        Rules = rules;
        _class = ownerClass;
        _classes = classes;
        _owners = owners;
        _identities = identities;
        _base = from;
        _secret = rules.Secret;
        _hashMask = from is null ? UInt128.MaxValue : BaseState.HashMask;
        _tree = new FieldTree();
        viewFields(_tree);
        _keySlots = [.. rules.Key.Select(_tree.Add)];
        _idSlot = rules.Id is null ? -1 : _tree.Add(rules.Id);
        _fieldSlots = [.. rules.Fields.Select(field => _tree.Add(field.Path))];
        _fields = new JsonField[_tree.Count];
        IsOpen = from?.IsOpen ?? !rules.HasOpening;
    }

    public StreamRules Rules { get; }

    /// <summary>The stream takes events here: set by open and close markers, and by a first definition without an opening time.</summary>
    public bool IsOpen { get; set; }

    /// <summary>The fields of the event that <see cref="TryDecide"/> or <see cref="ReadFields"/> saw last; the view's come first.</summary>
    public ReadOnlySpan<JsonField> Fields => _fields;

    /// <summary>The owners of this class do not fit into the memory given; the caller begins again with more classes.</summary>
    public bool IsFull => _owners.IsFull || _identities.IsFull;

    /// <summary>The same state under a changed definition.</summary>
    public Admission WithRules(StreamRules rules, Action<FieldTree> viewFields) =>
        new(rules, viewFields, _class, _classes, _owners, _identities, _base) { IsOpen = IsOpen };

    /// <summary>Whether this pass decides what belongs to an owner, or, where there is no claim, to an identity.</summary>
    public bool IsMine(UInt128 hash) => (uint)((ulong)(hash >> 64) & uint.MaxValue) % (uint)_classes == (uint)_class;

    /// <summary>Reads the fields of an event that was counted in an earlier pass, for the view alone.</summary>
    public void ReadFields(in LoggedEvent logged) => _tree.TryRead(logged.Value, Rules.Depth, _fields);

    /// <summary>Decides the next record.</summary>
    /// <param name="replaced">Offset of the event that this one replaces; -1: none.</param>
    /// <returns>False: another class's pass decides it.</returns>
    /// <exception cref="WeirException"><see cref="ErrorCode.RecountMismatch"/>: the record has not the key that its event has.</exception>
    public bool TryDecide(in LoggedEvent logged, out Verdict verdict, out long replaced)
    {
        (verdict, replaced) = (Verdict.Closed, -1);

        // A record's key is its owner's, so nobody needs to look into those of other classes. What came without one (over Kafka) has to be read to know.
        if (_classes > 1 && Rules.HasClaim && logged.HasKey && !IsMine(HashOf(logged.Key)))
        {
            return false;
        }

        if (!IsOpen || !TryReadEvent(logged))
        {
            verdict = IsOpen ? Verdict.Invalid : Verdict.Closed;
            return (Rules.HasClaim && logged.HasKey) || _class == 0;
        }

        ReadOnlySpan<byte> key = _key.WrittenSpan;
        if (Rules.HasComputedKey && logged.HasKey && !key.SequenceEqual(logged.Key))
        {
            throw new WeirException(ErrorCode.RecountMismatch, $"The record at offset {logged.Offset} has the key {JsonText.Raw(logged.Key)}, but its event has {JsonText.Raw(key)}.");
        }

        if (Rules.HasClaim)
        {
            UInt128 owner = HashOf(key);
            if (_classes > 1 && !IsMine(owner))
            {
                return false;
            }

            verdict = DecideClaim(logged, owner, out replaced);
            return true;
        }

        if (!Rules.CountsEachIdentityOnce)
        {
            verdict = Verdict.Counted;
            return true;
        }

        UInt128 identity = HashOf(Rules.Key.Count > 0 ? Pair() : _identity.WrittenSpan);
        if (_classes > 1 && !IsMine(identity))
        {
            return false;
        }

        verdict = DecideIdentity(identity, logged.Offset);
        return true;
    }

    private bool TryReadEvent(in LoggedEvent logged) =>
        logged.HasValue && logged.Value.Length <= Rules.EventBytes && _tree.TryRead(logged.Value, Rules.Depth, _fields)
        && HasDeclaredTypes(logged.Value)
        && TryReadIdentity(logged)
        && TryReadKey(logged.Value);

    private UInt128 HashOf(ReadOnlySpan<byte> bytes) => _secret.Of(bytes) & _hashMask;

    private Verdict DecideClaim(in LoggedEvent logged, UInt128 key, out long replaced)
    {
        replaced = -1;
        ref Owner owner = ref _owners.FindOrAdd(key, logged.Offset, out bool isKnown);
        if (!isKnown)
        {
            SetPrints(ref owner, logged.Value);
            _ = IsNewIdentity(logged.Offset);
            return Verdict.Counted;
        }

        if (Rules.Id is null && owner.PayloadPrint == Print(owner, logged.Value))
        {
            return Verdict.Duplicate;
        }

        if (!Rules.KeepsLast)
        {
            return HasIdentity && owner.IdentityPrint == Math.Max(Print(owner, _identity.WrittenSpan), 1) ? Verdict.Duplicate : Verdict.Taken;
        }

        if (HasIdentity && !IsNewIdentity(logged.Offset))
        {
            return Verdict.Duplicate;
        }

        replaced = owner.Offset;
        owner.OffsetPlusOne = logged.Offset + 1;
        SetPrints(ref owner, logged.Value);
        return Verdict.Replaced;
    }

    private Verdict DecideIdentity(UInt128 identity, long offset)
    {
        ref Owner known = ref _owners.FindOrAdd(identity, offset, out bool isKnown);
        if (isKnown && (Rules.Remember is not { } records || known.Offset >= offset - records))
        {
            return Verdict.Duplicate;
        }

        known.OffsetPlusOne = offset + 1;
        return Verdict.Counted;
    }

    /// <summary>With <c>keep: last</c> every identity that was counted stays known, or a late retry would bring back what was replaced.</summary>
    private bool IsNewIdentity(long offset)
    {
        if (!Rules.KeepsLast || !HasIdentity)
        {
            return true;
        }

        _identities.FindOrAdd(HashOf(Pair()), offset, out bool isKnown);
        return !isKnown;
    }

    private void SetPrints(ref Owner owner, ReadOnlySpan<byte> payload)
    {
        owner.IdentityPrint = HasIdentity ? Math.Max(Print(owner, _identity.WrittenSpan), 1) : 0;
        owner.PayloadPrint = Rules.Id is null ? Print(owner, payload) : 0;
    }

    /// <summary>
    /// Identities and payloads of one owner are compared by 32 bits, by the 24 that a base holds where the owner comes from one. With <c>keep: first</c>
    /// that tells <c>duplicate</c> from <c>taken</c>, neither of which counts; with <c>keep: last</c> one replacement in 4 billion by an event without an id is called a retry.
    /// </summary>
    private uint Print(in Owner owner, ReadOnlySpan<byte> bytes) =>
        _base is not null && owner.Offset < _base.Offset ? _secret.Print24(bytes) : unchecked((uint)_secret.Of(bytes));

    private bool HasIdentity => _identity.WrittenCount > 0;

    /// <summary>Key and identity, joined without loss.</summary>
    private ReadOnlySpan<byte> Pair()
    {
        _pair.ResetWrittenCount();
        _pair.Advance(Varint.Write(_pair.GetSpan(Varint.MaxBytes), _key.WrittenCount));
        _pair.Write(_key.WrittenSpan);
        _pair.Write(_identity.WrittenSpan);
        return _pair.WrittenSpan;
    }

    /// <summary>The first of: id field, CloudEvents source and id, header id, idempotency key; a letter in front keeps them apart.</summary>
    /// <returns>False: invalid.</returns>
    private bool TryReadIdentity(in LoggedEvent logged)
    {
        _identity.ResetWrittenCount();
        RecordHeaders headers = logged.Headers;
        if (_idSlot >= 0 && _fields[_idSlot].Token is not (JsonTokenType.None or JsonTokenType.Null))
        {
            if (!TryReadPart(logged.Value, _idSlot, out ReadOnlySpan<byte> id, out _))
            {
                return false;
            }

            _identity.Write("f"u8);
            _identity.Write(id);
        }
        else if (headers.CloudEvent.TryGetValue("source", out string? source) && headers.CloudEvent.TryGetValue("id", out string? eventId))
        {
            var list = new StringBuilder("c[");
            JsonText.AppendString(list, JsonText.Bytes(source));
            list.Append(',');
            JsonText.AppendString(list, JsonText.Bytes(eventId));
            _identity.Write(JsonText.Bytes(list.Append(']').ToString()));
        }
        else if (headers.Id is { } id)
        {
            _identity.Write(JsonText.Bytes("h" + id));
        }
        else if (headers.IdempotencyKey is { } idempotencyKey)
        {
            _identity.Write(JsonText.Bytes("k" + idempotencyKey));
        }

        if (!HasIdentity)
        {
            return Rules.Id is null && !Rules.CountsEachIdentityOnce;
        }

        // Where no identity is declared and none is kept, its length bounds nothing.
        return _identity.WrittenCount - 1 <= Rules.IdBytes || (Rules.Id is null && !Rules.CountsEachIdentityOnce && Rules.Keep is null);
    }

    private bool TryReadKey(ReadOnlySpan<byte> value)
    {
        _key.ResetWrittenCount();
        if (_keySlots.Length == 0)
        {
            _key.Write(HasIdentity ? _identity.WrittenSpan[1..] : []);
        }
        else if (_keySlots.Length == 1)
        {
            if (!TryReadPart(value, _keySlots[0], out ReadOnlySpan<byte> part, out _))
            {
                return false;
            }

            _key.Write(part);
        }
        else
        {
            var list = new StringBuilder("[");
            foreach (int slot in _keySlots)
            {
                if (!TryReadPart(value, slot, out ReadOnlySpan<byte> part, out bool isString))
                {
                    return false;
                }

                list.Append(list.Length > 1 ? "," : "");
                if (isString)
                {
                    JsonText.AppendString(list, part);
                }
                else
                {
                    list.Append(JsonText.Raw(part));
                }
            }

            _key.Write(JsonText.Bytes(list.Append(']').ToString()));
        }

        return _key.WrittenCount <= Rules.KeyBytes;
    }

    /// <summary>A part of a key, or an id: a string that is not empty, without NUL and half surrogates, or a number of at most 28 digits.</summary>
    private bool TryReadPart(ReadOnlySpan<byte> value, int slot, out ReadOnlySpan<byte> part, out bool isString)
    {
        JsonField field = _fields[slot];
        isString = field.Token == JsonTokenType.String;
        part = default;
        if (field.IsTwice)
        {
            return false;
        }

        return isString
            ? JsonText.TryUnescape(field.Of(value), out part) && part.Length > 0 && !part.Contains((byte)0)
            : field.Token == JsonTokenType.Number && JsonText.TryReadKeyNumber(field.Of(value), out part);
    }

    private bool HasDeclaredTypes(ReadOnlySpan<byte> value)
    {
        for (int i = 0; i < _fieldSlots.Length; i++)
        {
            JsonField field = _fields[_fieldSlots[i]];
            if (field.IsTwice || !HasType(field, Rules.Fields[i], value))
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasType(in JsonField field, DeclaredField declared, ReadOnlySpan<byte> value) => field.Token switch
    {
        JsonTokenType.None or JsonTokenType.Null => true,
        JsonTokenType.String => declared.Type == FieldType.String || (declared.Type == FieldType.Time && JsonText.TryUnescape(field.Of(value), out ReadOnlySpan<byte> text) && EventTime.TryRead(text, out _)),
        JsonTokenType.True or JsonTokenType.False => declared.Type == FieldType.Boolean,
        JsonTokenType.Number when declared.Type == FieldType.Decimal => Fits(field.Of(value), declared),
        JsonTokenType.Number => declared.Type is FieldType.Integer or FieldType.Time && IsInteger(field.Of(value)),
        _ => false,
    };

    private static bool IsInteger(ReadOnlySpan<byte> number) =>
        JsonText.TryScale(number, out BigInteger scaled) && (scaled % JsonText.One).IsZero && scaled / JsonText.One >= long.MinValue && scaled / JsonText.One <= long.MaxValue;

    private static bool Fits(ReadOnlySpan<byte> number, DeclaredField declared)
    {
        JsonText.ReadNumber(number, out _, out string digits, out long exponent);
        return digits.Length == 0 || (exponent >= -declared.Scale && digits.Length + exponent <= declared.Precision - declared.Scale);
    }
}
