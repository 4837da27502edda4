using System.Runtime.InteropServices;
using System.Security.Cryptography;
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
    public required EventHeaders Headers { get; init; }
    public required long Offset { get; init; }
}

/// <summary>The headers that a rule reads; null: not there.</summary>
internal sealed class EventHeaders
{
    public static readonly EventHeaders None = new();

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
/// The rules of one partition, replayed record by record with plain dictionaries keyed by the owners and identities themselves.
/// Only owners of one class (see <see cref="IsMine"/>) are kept, so that a log of any size is counted in several passes.
/// </summary>
internal sealed class Admission
{
    // Beside the characters themselves: two or three strings of 22 and a dictionary's entry of 44, three times that while it grows.
    private const int BytesPerOwner = 180;

    private readonly int _class;
    private readonly int _classes;
    private readonly long _memoryBytes;
    private readonly Dictionary<string, Owner> _owners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _identities = new(StringComparer.Ordinal);
    private readonly FieldTree _tree;
    private readonly int[] _keySlots;
    private readonly int _idSlot;
    private readonly int[] _fieldSlots;
    private readonly JsonField[] _fields;
    private long _usedBytes;

    /// <param name="rules">What the define marker in force says. Key, id and claim never change, so state survives <see cref="WithRules"/>.</param>
    /// <param name="viewFields">Adds the fields that the view reads to the tree; they are then in <see cref="Fields"/>.</param>
    public Admission(StreamRules rules, Action<FieldTree> viewFields, int ownerClass, int classes, long memoryBytes)
        : this(rules, viewFields, ownerClass, classes, memoryBytes, null)
    {
    }

    private Admission(StreamRules rules, Action<FieldTree> viewFields, int ownerClass, int classes, long memoryBytes, Admission? before)
    {
        Rules = rules;
        _class = ownerClass;
        _classes = classes;
        _memoryBytes = memoryBytes;
        _tree = new FieldTree();
        viewFields(_tree);
        _keySlots = [.. rules.Key.Select(_tree.Add)];
        _idSlot = rules.Id is null ? -1 : _tree.Add(rules.Id);
        _fieldSlots = [.. rules.Fields.Select(field => _tree.Add(field.Path))];
        _fields = new JsonField[_tree.Count];
        IsOpen = !rules.HasOpening;
        if (before is not null)
        {
            (IsOpen, _owners, _identities, _usedBytes) = (before.IsOpen, before._owners, before._identities, before._usedBytes);
        }
    }

    public StreamRules Rules { get; }

    /// <summary>The stream takes events here: set by open and close markers, and by a first definition without an opening time.</summary>
    public bool IsOpen { get; set; }

    /// <summary>The fields of the event that <see cref="Decide"/> saw last; the view's come first.</summary>
    public ReadOnlySpan<JsonField> Fields => _fields;

    /// <summary>The owners of this class do not fit into the memory given; the caller begins again with more classes.</summary>
    public bool IsFull => _usedBytes > _memoryBytes;

    /// <summary>The same state under a changed definition.</summary>
    public Admission WithRules(StreamRules rules, Action<FieldTree> viewFields) => new(rules, viewFields, _class, _classes, _memoryBytes, this);

    /// <summary>Whether this pass decides a record. All records of an owner have its key, so they are in one class; records without a key are in class 0.</summary>
    public bool IsMine(in LoggedEvent logged)
    {
        if (_classes == 1)
        {
            return true;
        }

        uint mixed = 2_166_136_261;
        foreach (byte b in logged.Key)
        {
            mixed = unchecked((mixed ^ b) * 16_777_619);
        }

        return (logged.HasKey ? (mixed ^ (mixed >> 15)) % (uint)_classes : 0) == (uint)_class;
    }

    /// <summary>Reads the fields of an event that was counted in an earlier pass, for the view alone.</summary>
    public void ReadFields(in LoggedEvent logged) => _tree.TryRead(logged.Value, Rules.Depth, _fields);

    /// <summary>The verdict of the next record of this class.</summary>
    /// <param name="replaced">Offset of the event that this one replaces; -1: none.</param>
    /// <exception cref="WeirException"><see cref="ErrorCode.RecountMismatch"/>: the record has not the key that its event has.</exception>
    public Verdict Decide(in LoggedEvent logged, out long replaced)
    {
        replaced = -1;
        if (!IsOpen)
        {
            return Verdict.Closed;
        }

        if (!logged.HasValue || logged.Value.Length > Rules.EventBytes || !_tree.TryRead(logged.Value, Rules.Depth, _fields)
            || !HasDeclaredTypes(logged.Value)
            || !TryReadIdentity(logged, out string? identity)
            || !TryReadKey(logged.Value, identity, out string? key))
        {
            return Verdict.Invalid;
        }

        if (Rules.HasComputedKey && key != JsonText.Raw(logged.Key))
        {
            throw new WeirException(ErrorCode.RecountMismatch, $"The record at offset {logged.Offset} has the key {JsonText.Raw(logged.Key)}, but its event has {key}.");
        }

        return Rules.HasClaim ? DecideClaim(logged, key!, identity, out replaced)
            : Rules.CountsEachIdentityOnce ? DecideIdentity(Rules.Key.Count > 0 ? IdentityOf(key!, identity!) : identity!, logged.Offset)
            : Verdict.Counted;
    }

    private Verdict DecideClaim(in LoggedEvent logged, string key, string? identity, out long replaced)
    {
        replaced = -1;
        string? payload = Rules.Id is null ? Digest(logged.Value) : null;
        ref Owner owner = ref CollectionsMarshal.GetValueRefOrAddDefault(_owners, key, out bool exists);
        if (!exists)
        {
            owner = new Owner(logged.Offset, identity, payload);
            _usedBytes += BytesPerOwner + (2L * (key.Length + (identity?.Length ?? 0) + (payload?.Length ?? 0)));
            Remember(key, identity);
            return Verdict.Counted;
        }

        if (payload is not null && payload == owner.Payload)
        {
            return Verdict.Duplicate;
        }

        if (!Rules.KeepsLast)
        {
            return identity is not null && identity == owner.Identity ? Verdict.Duplicate : Verdict.Taken;
        }

        if (identity is not null && _identities.ContainsKey(IdentityOf(key, identity)))
        {
            return Verdict.Duplicate;
        }

        replaced = owner.Offset;
        owner = new Owner(logged.Offset, identity, payload);
        Remember(key, identity);
        return Verdict.Replaced;
    }

    private Verdict DecideIdentity(string identity, long offset)
    {
        if (_identities.TryGetValue(identity, out long seen) && (Rules.Remember is not { } records || seen >= offset - records))
        {
            return Verdict.Duplicate;
        }

        _identities[identity] = offset;
        _usedBytes += BytesPerOwner + (2 * identity.Length);
        return Verdict.Counted;
    }

    /// <summary>With <c>keep: last</c> every identity that was counted stays known, or a late retry would bring back what was replaced.</summary>
    private void Remember(string key, string? identity)
    {
        if (Rules.KeepsLast && identity is not null)
        {
            _identities[IdentityOf(key, identity)] = 0;
            _usedBytes += BytesPerOwner + (2L * (key.Length + identity.Length));
        }
    }

    // A key that is made of fields cannot hold the byte 0, so this joins the two without loss.
    private static string IdentityOf(string key, string identity) => key + "\0" + identity;

    /// <summary>Stands for the payload where it has to be compared later: whole payloads would not fit.</summary>
    private static string Digest(ReadOnlySpan<byte> payload)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(payload, digest);
        return JsonText.Raw(digest);
    }

    /// <summary>The first of: id field, CloudEvents source and id, header id, idempotency key; a letter in front keeps them apart.</summary>
    /// <returns>False: invalid.</returns>
    private bool TryReadIdentity(in LoggedEvent logged, out string? identity)
    {
        identity = null;
        EventHeaders headers = logged.Headers;
        if (_idSlot >= 0 && _fields[_idSlot].Token is not (JsonTokenType.None or JsonTokenType.Null))
        {
            if (!TryReadPart(logged.Value, _idSlot, tag: 'f', out identity, out _))
            {
                return false;
            }
        }
        else if (headers.CloudEvent.TryGetValue("source", out string? source) && headers.CloudEvent.TryGetValue("id", out string? eventId))
        {
            var list = new StringBuilder("c[");
            JsonText.AppendString(list, JsonText.Bytes(source));
            list.Append(',');
            JsonText.AppendString(list, JsonText.Bytes(eventId));
            identity = list.Append(']').ToString();
        }
        else if (headers.Id is { } id)
        {
            identity = "h" + id;
        }
        else if (headers.IdempotencyKey is { } idempotencyKey)
        {
            identity = "k" + idempotencyKey;
        }

        if (identity is null)
        {
            return Rules.Id is null && !Rules.CountsEachIdentityOnce;
        }

        // Where no identity is kept, its length bounds nothing.
        return identity.Length - 1 <= Rules.IdBytes || (!Rules.CountsEachIdentityOnce && Rules.Keep is null);
    }

    private bool TryReadKey(ReadOnlySpan<byte> value, string? identity, out string? key)
    {
        key = identity?[1..];
        if (_keySlots.Length == 1)
        {
            return TryReadPart(value, _keySlots[0], tag: null, out key, out _) && key.Length <= Rules.KeyBytes;
        }

        if (_keySlots.Length > 1)
        {
            var list = new StringBuilder("[");
            foreach (int slot in _keySlots)
            {
                if (!TryReadPart(value, slot, tag: null, out string? part, out bool isString))
                {
                    return false;
                }

                list.Append(list.Length > 1 ? "," : "");
                if (isString)
                {
                    JsonText.AppendString(list, JsonText.Bytes(part));
                }
                else
                {
                    list.Append(part);
                }
            }

            key = list.Append(']').ToString();
        }

        return key is null || key.Length <= Rules.KeyBytes;
    }

    /// <summary>A part of a key, or an id: a string that is not empty, without NUL and half surrogates, or a number of at most 28 digits.</summary>
    /// <param name="tag">Put in front; null: nothing.</param>
    private bool TryReadPart(ReadOnlySpan<byte> value, int slot, char? tag, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? part, out bool isString)
    {
        JsonField field = _fields[slot];
        isString = field.Token == JsonTokenType.String;
        part = null;
        if (field.IsTwice)
        {
            return false;
        }

        if (isString)
        {
            bool usable = JsonText.TryUnescape(field.Of(value), out ReadOnlySpan<byte> text) && text.Length > 0 && !text.Contains((byte)0);
            part = !usable ? null : tag is { } letter ? JsonText.Raw(letter, text) : JsonText.Raw(text);
        }
        else if (field.Token == JsonTokenType.Number && JsonText.KeyNumber(field.Of(value)) is { } number)
        {
            part = tag + number;
        }

        return part is not null;
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
        JsonTokenType.String => declared.Type == FieldType.String,
        JsonTokenType.True or JsonTokenType.False => declared.Type == FieldType.Boolean,
        JsonTokenType.Number => declared.Type == FieldType.Number || (declared.Type == FieldType.Decimal && Fits(field.Of(value), declared)),
        _ => false,
    };

    private static bool Fits(ReadOnlySpan<byte> number, DeclaredField declared)
    {
        JsonText.ReadNumber(number, out _, out string digits, out long exponent);
        return digits.Length == 0 || (exponent >= -declared.Scale && digits.Length + exponent <= declared.Precision - declared.Scale);
    }

    /// <param name="Offset">Of the event that counts.</param>
    /// <param name="Payload">Its payload's digest, where the stream declares no id.</param>
    private readonly record struct Owner(long Offset, string? Identity, string? Payload);
}
