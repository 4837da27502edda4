namespace Weir.Recount;

/// <summary>An owner of a claim, or an identity: 32 bytes.</summary>
internal struct Owner
{
    public const int Bytes = 32;

    public UInt128 Hash;

    /// <summary>Offset, plus one, of the event that counts; 0: a free place.</summary>
    public long OffsetPlusOne;

    /// <summary>Stands for that event's identity; 0: it has none.</summary>
    public uint IdentityPrint;

    /// <summary>Stands for its payload, where the stream declares no id.</summary>
    public uint PayloadPrint;

    public readonly long Offset => OffsetPlusOne - 1;
}

/// <summary>
/// Owners by hash: one array, made once for as many as there can be or as memory allows, searched place after place from where
/// the hash points. Nothing is ever removed or moved. Belongs to one thread; used again for the next pass.
/// </summary>
internal sealed class Owners
{
    private const int FewestPlaces = 16;

    private Owner[] _places = [];
    private long _used;
    private long _most;

    /// <summary>Four of five places are used: the caller begins again with fewer owners.</summary>
    public bool IsFull => _used > _most;

    /// <summary>Empties the table and makes room.</summary>
    /// <param name="expected">Owners at most; a table that has room for them is never full.</param>
    /// <param name="memoryBytes">Bytes at most.</param>
    public void Clear(long expected, long memoryBytes)
    {
        long wanted = Math.Min(FewestPlaces + (expected * 4 / 3), Math.Clamp(memoryBytes / Owner.Bytes, FewestPlaces, Array.MaxLength));
        if (_places.Length < wanted)
        {
            _places = new Owner[wanted];
        }

        // A new array is zero already, but only written pages are its own: reading one first and writing it later costs two faults, and
        // that in random order; a sixth of all time where there are many owners.
        Array.Clear(_places);
        _used = 0;
        _most = _places.Length * 4L / 5;
    }

    /// <summary>The owner with this hash. One that is not there yet is added with <paramref name="offset"/>.</summary>
    /// <remarks>Before the table is full, or by the one owner that makes it so.</remarks>
    public ref Owner FindOrAdd(UInt128 hash, long offset, out bool isKnown)
    {
        int at = (int)Math.BigMul(unchecked((ulong)hash), (ulong)_places.Length, out _);
        while (true)
        {
            ref Owner owner = ref _places[at];
            if (owner.OffsetPlusOne == 0)
            {
                owner.Hash = hash;
                owner.OffsetPlusOne = offset + 1;
                _used++;
                isKnown = false;
                return ref owner;
            }

            if (owner.Hash == hash)
            {
                isKnown = true;
                return ref owner;
            }

            at = at + 1 == _places.Length ? 0 : at + 1;
        }
    }
}
