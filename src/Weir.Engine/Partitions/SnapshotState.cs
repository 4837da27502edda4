using System.Runtime.InteropServices;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// The sections of a snapshot or base: <c>define</c> (the define marker in force at its offset), <c>admission</c> (phase, totals), <c>producers</c>
/// (the last batches of Kafka producers, where there are any), <c>table-0</c> and
/// <c>table-1</c> (entries of 24 bytes, shard by shard, then those that changed while it was written), <c>view:name:version:definition</c>.
/// Layout: docs/internals/snapshot.md.
/// </summary>
internal static class SnapshotState
{
    private const int FirstReadBytes = 4 << 10;

    public const string AdmissionSection = "admission";
    public const string ViewPrefix = "view:";

    /// <summary>Of a base it is the only place that still has the definition: its marker goes with the segments.</summary>
    public const string DefineSection = "define";

    private const string ProducersSection = "producers";

    public static string TableSection(int table) => table == 0 ? "table-0" : "table-1";

    /// <summary>Begins the copy of a fold state as it is at <paramref name="end"/> (exclusive). It goes on changing while its owner enumerates the pieces.</summary>
    /// <param name="pieceBytes">About how large a piece may be: each is copied without a break.</param>
    /// <returns>The sections in pieces, those of one section together.</returns>
    public static IEnumerable<(string Section, byte[] Bytes)> BeginCopy(Admission admission, byte[] secret, long end, IReadOnlyList<(View View, PartialView Partial)> views, int pieceBytes)
    {
        // Everything that changes with the next record begins here, and not when the enumeration gets there.
        var state = new byte[Admission.StateHeaderBytes];
        admission.WriteState(state);
        byte[] producers = admission.Producers.ToBytes();
        OwnerTable[] tables = [.. admission.Tables];
        Array.ForEach(tables, table => table.BeginSnapshot(end));
        foreach ((_, PartialView partial) in views)
        {
            partial.BeginCopy();
        }

        List<(string, byte[])> first = [(DefineSection, MarkerJson.Define(admission.Definition, secret)), (AdmissionSection, state)];
        if (producers.Length > 0)
        {
            first.Add((ProducersSection, producers));
        }

        return Pieces(first, views, tables, pieceBytes);
    }

    /// <summary>Writes the pieces of <see cref="BeginCopy"/>.</summary>
    public static void Write(SnapshotWriter snapshot, IEnumerable<(string Section, byte[] Bytes)> pieces)
    {
        string? current = null;
        foreach ((string section, byte[] bytes) in pieces)
        {
            if (section != current)
            {
                current = section;
                snapshot.WriteSection(section);
            }

            snapshot.Write(bytes);
        }
    }

    private static IEnumerable<(string Section, byte[] Bytes)> Pieces(
        List<(string, byte[])> first, IReadOnlyList<(View View, PartialView Partial)> views, OwnerTable[] tables, int pieceBytes)
    {
        foreach ((string, byte[]) section in first)
        {
            yield return section;
        }

        foreach ((View view, PartialView partial) in views)
        {
            while (partial.CopyNext(pieceBytes) is { } piece)
            {
                yield return (view.Section, piece);
            }
        }

        List<OwnerEntry> entries = [];
        for (int table = 0; table < tables.Length; table++)
        {
            bool more;
            do
            {
                // Small tables have many shards with little in them.
                entries.Clear();
                do
                {
                    more = tables[table].CopyNextShard(entries);
                }
                while (more && (long)entries.Count * OwnerEntry.Bytes < pieceBytes);

                yield return (TableSection(table), MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(entries)).ToArray());
            }
            while (more);
        }
    }

    /// <summary>Fills an empty admission and returns the views' sections.</summary>
    /// <exception cref="WeirException">The file changed after it was verified, or its definition cannot be read. Replay the log instead.</exception>
    /// <exception cref="InvariantException">A section is missing or has another form than this program writes. Replay the log instead.</exception>
    public static Dictionary<string, byte[]> Load(SnapshotReader snapshot, Admission admission)
    {
        Dictionary<string, byte[]> views = [];
        OwnerTable[] tables = [.. admission.Tables];
        Span<byte> state = stackalloc byte[Admission.StateHeaderBytes];
        StreamDefinition? definition = null;
        bool hasState = false;
        while (snapshot.TryNextSection(out string? name))
        {
            if (name == DefineSection)
            {
                definition = MarkerJson.ReadDefine(ReadAll(snapshot));
            }
            else if (name == AdmissionSection)
            {
                hasState = snapshot.TryReadExactly(state);
                Invariant.Check(hasState, "A snapshot without the admission's state.");
                admission.ReadState(state);
            }
            else if (name == ProducersSection)
            {
                admission.Producers.Load(ReadAll(snapshot));
            }
            else if (name.StartsWith(ViewPrefix, StringComparison.Ordinal))
            {
                views[name] = ReadAll(snapshot);
            }
            else
            {
                for (int i = 0; i < tables.Length; i++)
                {
                    if (name == TableSection(i))
                    {
                        LoadTable(snapshot, tables[i]);
                    }
                }
            }
        }

        Invariant.Check(hasState && definition is not null, "A snapshot without the admission's state or the definition in force.");
        admission.Restore(definition!);
        return views;
    }

    // Entries of one shard come together, so that it is made at its final size.
    private static void LoadTable(SnapshotReader snapshot, OwnerTable table)
    {
        List<OwnerEntry> shard = [];
        var buffer = new OwnerEntry[(int)Math.Min(8192, 1 + (snapshot.FileBytes / OwnerEntry.Bytes))];
        while (true)
        {
            int bytes = snapshot.Read(MemoryMarshal.AsBytes(buffer.AsSpan()));
            Invariant.Check(bytes % OwnerEntry.Bytes == 0, "A table in a snapshot ends inside an entry.");
            if (bytes == 0)
            {
                break;
            }

            foreach (OwnerEntry entry in buffer.AsSpan(0, bytes / OwnerEntry.Bytes))
            {
                if (shard.Count > 0 && OwnerTable.ShardOf(shard[^1].HashLow) != OwnerTable.ShardOf(entry.HashLow))
                {
                    table.LoadShard(CollectionsMarshal.AsSpan(shard));
                    shard.Clear();
                }

                shard.Add(entry);
            }
        }

        table.LoadShard(CollectionsMarshal.AsSpan(shard));
    }

    /// <summary>The rest of the section.</summary>
    public static byte[] ReadAll(SnapshotReader snapshot)
    {
        long most = snapshot.FileBytes;
        var bytes = new byte[Math.Min(most, FirstReadBytes)];
        int length = snapshot.Read(bytes);
        while (length == bytes.Length && length < most)
        {
            Array.Resize(ref bytes, checked((int)Math.Min(most, 2L * bytes.Length)));
            length += snapshot.Read(bytes.AsSpan(length));
        }

        return bytes[..length];
    }
}
