using System.Text.Json;
using Weir.Core;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>
/// The verdicts that an answer lists, 16 bytes each until it is written. It is written when the whole body has been taken: only then its status,
/// totals and position are known, and most clients read nothing before they have sent everything, so an answer that began earlier would stop both.
/// </summary>
/// <remarks>
/// Long lists take their memory from the budget of request bodies, and only from the half of it that is spare; what does not fit is counted in
/// <see cref="More"/>. One request's; <see cref="Return"/> gives the memory back.
/// </remarks>
/// <param name="listedAtMost">Beyond this many, <see cref="More"/>.</param>
internal sealed class VerdictList(IngestBudget budget, long listedAtMost)
{
    /// <summary>Refused events whose reason is kept with its place; later ones have their code's sentence.</summary>
    public const int ReasonsKept = 1_000;

    private const int FirstChunk = 16;
    private const int ChunkEntries = 4096;
    private const int EntryBytes = 16;
    private const int EntriesPerFlush = 512;
    private const int ToldBits = 4;

    private readonly List<Entry[]> _chunks = [];
    private readonly Queue<string> _reasons = [];
    private int _inChunk;
    private int _budgeted;

    /// <summary>What an entry is told as; behind these come the verdicts, by their number.</summary>
    private enum Told
    {
        Refused,
        Unknown,
        Durable,
        FirstVerdict = 4,
    }

    public long Count { get; private set; }

    /// <summary>Events that should be listed and are not, all of them behind those that are.</summary>
    public long More { get; private set; }

    /// <param name="before">Events of the body before the batch.</param>
    /// <param name="index">The event's place in the batch.</param>
    public void Add(long before, IngestBatch batch, int index, in EventOutcome outcome)
    {
        if (More > 0 || Count == listedAtMost || !TryMakeRoom())
        {
            More++;
            return;
        }

        Told told = outcome.Kind switch
        {
            OutcomeKind.Refused => Told.Refused,
            OutcomeKind.Unknown => Told.Unknown,
            _ => outcome.Verdict == Verdict.None ? Told.Durable : (Told)((int)outcome.Verdict + (int)Told.FirstVerdict),
        };
        if (told == Told.Refused && _reasons.Count < ReasonsKept)
        {
            _reasons.Enqueue(EventsAnswer.ReasonOf(outcome, batch, index));
        }

        _chunks[^1][_inChunk++] = new Entry(outcome.Offset, checked((uint)(before + index)), (ushort)(outcome.Code ?? 0), (ushort)((Math.Max(outcome.Partition, 0) << ToldBits) | (int)told));
        Count++;
    }

    /// <summary>Writes the entries, giving back the memory of what is written. Pauses now and then, so that the caller can send on what there is.</summary>
    public IEnumerable<long> WriteTo(Utf8JsonWriter writer)
    {
        long left = Count;
        for (int chunk = 0; chunk < _chunks.Count; chunk++)
        {
            Entry[] entries = _chunks[chunk];
            for (int i = 0; i < entries.Length && left > 0; i++)
            {
                Write(writer, entries[i]);
                if (--left % EntriesPerFlush == 0)
                {
                    yield return left;
                }
            }

            _chunks[chunk] = [];
            ReturnOne();
        }
    }

    /// <summary>Gives back what was taken from the budget.</summary>
    public void Return()
    {
        while (_budgeted > 0)
        {
            ReturnOne();
        }
    }

    private void ReturnOne()
    {
        if (_budgeted > 0)
        {
            _budgeted--;
            budget.Return(ChunkEntries * EntryBytes);
        }
    }

    private void Write(Utf8JsonWriter writer, in Entry entry)
    {
        var told = (Told)(entry.PartitionAndTold & ((1 << ToldBits) - 1));
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, entry.Index);
        writer.WriteString("verdict"u8, told switch
        {
            Told.Refused => "refused",
            Told.Unknown => "unknown",
            Told.Durable => "durable",
            _ => ((Verdict)(told - Told.FirstVerdict)).Word(),
        });
        if (entry.Code > 0)
        {
            var code = (ErrorCode)entry.Code;
            writer.WriteString("code"u8, WeirErrors.NameOf(code));
            writer.WriteString("reason"u8, told == Told.Refused && _reasons.TryDequeue(out string? reason) ? reason : WeirErrors.Get(code).Sentence);
        }

        if (entry.Offset >= 0)
        {
            writer.WriteNumber("partition"u8, entry.PartitionAndTold >> ToldBits);
            writer.WriteNumber("offset"u8, entry.Offset);
        }

        writer.WriteEndObject();
    }

    // As much as an answer lists by default is not worth asking for.
    private bool TryMakeRoom()
    {
        if (_chunks.Count > 0 && _inChunk < _chunks[^1].Length)
        {
            return true;
        }

        if (_chunks.Count > 1)
        {
            if (!budget.TryTakeSpare(ChunkEntries * EntryBytes))
            {
                return false;
            }

            _budgeted++;
        }

        _chunks.Add(new Entry[_chunks.Count == 0 ? FirstChunk : ChunkEntries]);
        _inChunk = 0;
        return true;
    }

    /// <param name="Offset">-1: the event has no place in the log.</param>
    /// <param name="Code">0: none.</param>
    private readonly record struct Entry(long Offset, uint Index, ushort Code, ushort PartitionAndTold);
}
