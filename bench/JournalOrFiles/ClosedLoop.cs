using System.Collections.Concurrent;
using System.Diagnostics;

namespace Weir.Bench.JournalOrFiles;

internal enum Layout { OwnFiles, Journal }

/// <summary>Growing: each write extends the file. Allocated: fallocate before the run (the flush still turns extents to
/// written). ZerosWritten: every block was written and flushed before the run, so that a flush has no metadata to commit;
/// the run is not charged for it, which makes this the bound and not an offer.</summary>
internal enum Blocks { Growing, Allocated, ZerosWritten }

/// <param name="Flushers">Threads that call fdatasync.</param>
/// <param name="FlushLimit">Most events that one write of the journal takes; below the events in flight, the next write can overlap a flush.</param>
/// <param name="WorkNanoseconds">Time burnt on the writer thread per event, standing in for parse and fold.</param>
internal sealed record Setup(Layout Layout, int Partitions, int Flushers, int FlushLimit, Blocks Blocks, int WorkNanoseconds);

internal readonly record struct Result(double EventsPerSecond, double FlushesPerSecond, double P50Milliseconds, double P99Milliseconds);

/// <summary>
/// One run: a fixed number of events is in flight; a writer thread writes what waits, flusher threads flush, and an event
/// is sent again, to a partition drawn at random, only when the flush that covers it has returned.
/// The writer owns all state; it meets the flushers only in the two queues, which never hold more than one round per file.
/// </summary>
internal sealed class ClosedLoop
{
    private const int EventBytes = 150;
    private const int InFlight = 8_000;
    private const long AllFilesBytes = 3L << 30;

    private readonly Setup _setup;
    private readonly long _fileBytes;
    private readonly int[] _files;
    private readonly long[] _filePositions;
    private readonly List<(long Time, int Count)>[] _waiting;
    private readonly List<(long Time, int Count)>[] _flushing;
    private readonly int[] _arrivals;
    private readonly byte[] _buffer = new byte[InFlight * EventBytes];
    private readonly BlockingCollection<int> _toFlush = [];
    private readonly BlockingCollection<int> _flushed = [];
    private readonly List<(double Milliseconds, int Count)> _latencies = [];
    private readonly Random _random = new(1);

    public ClosedLoop(Setup setup, string directory)
    {
        _setup = setup;
        int files = setup.Layout == Layout.Journal ? 1 : setup.Partitions;
        _fileBytes = AllFilesBytes / files;
        _files = new int[files];
        _filePositions = new long[files];
        _arrivals = new int[files];
        _waiting = new List<(long, int)>[files];
        _flushing = new List<(long, int)>[files];
        for (int i = 0; i < files; i++)
        {
            _files[i] = Libc.Open(Path.Combine(directory, $"{i}.log"));
            _waiting[i] = [];
            _flushing[i] = [];
            if (setup.Blocks == Blocks.Allocated)
            {
                Libc.Allocate(_files[i], _fileBytes);
            }
            else if (setup.Blocks == Blocks.ZerosWritten)
            {
                byte[] zeros = new byte[1 << 20];
                for (long position = 0; position < _fileBytes; position += zeros.Length)
                {
                    Libc.Write(_files[i], zeros, position);
                }
            }

            Libc.Flush(_files[i]);
        }
    }

    public Result Run(TimeSpan duration)
    {
        Thread[] flushers = [.. Enumerable.Range(0, _setup.Flushers).Select(_ => new Thread(FlushLoop))];
        foreach (Thread flusher in flushers)
        {
            flusher.Start();
        }

        long start = Stopwatch.GetTimestamp();
        Arrive(InFlight, start);
        int rounds = 0;
        for (int file = 0; file < _files.Length; file++)
        {
            rounds += StartRound(file) ? 1 : 0;
        }

        long events = 0, flushes = 0;
        while (rounds > 0)
        {
            int file = _flushed.Take();
            long now = Stopwatch.GetTimestamp();
            rounds--;
            flushes++;
            int back = 0;
            foreach ((long time, int count) in _flushing[file])
            {
                _latencies.Add((Stopwatch.GetElapsedTime(time, now).TotalMilliseconds, count));
                back += count;
            }

            _flushing[file].Clear();
            events += back;
            if (Stopwatch.GetElapsedTime(start, now) < duration)
            {
                // A file with nothing waiting starts its next round when events arrive for it.
                if (_waiting[file].Count > 0)
                {
                    rounds += StartRound(file) ? 1 : 0;
                }

                Arrive(back, now);
                for (int other = 0; other < _files.Length; other++)
                {
                    rounds += StartRound(other) ? 1 : 0;
                }
            }
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _toFlush.CompleteAdding();
        foreach (Thread flusher in flushers)
        {
            flusher.Join();
        }

        foreach (int file in _files)
        {
            _ = Libc.Close(file);
        }

        return new Result(events / seconds, flushes / seconds, Percentile(0.50), Percentile(0.99));
    }

    private void FlushLoop()
    {
        foreach (int file in _toFlush.GetConsumingEnumerable())
        {
            Libc.Flush(_files[file]);
            _flushed.Add(file);
        }
    }

    private void Arrive(int count, long now)
    {
        Array.Clear(_arrivals);
        for (int i = 0; i < count; i++)
        {
            _arrivals[_random.Next(_files.Length)]++;
        }

        for (int file = 0; file < _files.Length; file++)
        {
            if (_arrivals[file] > 0)
            {
                _waiting[file].Add((now, _arrivals[file]));
            }
        }
    }

    /// <summary>Writes what waits for a file that has no flush running, and hands it to the flushers.</summary>
    private bool StartRound(int file)
    {
        if (_flushing[file].Count > 0 || _waiting[file].Count == 0)
        {
            return false;
        }

        int taken = 0;
        while (_waiting[file].Count > 0 && taken < _setup.FlushLimit)
        {
            (long time, int count) = _waiting[file][0];
            int part = Math.Min(count, _setup.FlushLimit - taken);
            _flushing[file].Add((time, part));
            taken += part;
            if (part == count)
            {
                _waiting[file].RemoveAt(0);
            }
            else
            {
                _waiting[file][0] = (time, count - part);
            }
        }

        if (_setup.WorkNanoseconds > 0)
        {
            long until = Stopwatch.GetTimestamp() + (long)(taken * (double)_setup.WorkNanoseconds * Stopwatch.Frequency / 1e9);
            while (Stopwatch.GetTimestamp() < until)
            {
            }
        }

        Span<byte> bytes = _buffer.AsSpan(0, taken * EventBytes);
        bytes.Fill((byte)taken);
        if (_filePositions[file] + bytes.Length > _fileBytes)
        {
            throw new InvalidOperationException("The file is full before the run is over: shorten the run.");
        }

        Libc.Write(_files[file], bytes, _filePositions[file]);
        _filePositions[file] += bytes.Length;
        _toFlush.Add(file);
        return true;
    }

    private double Percentile(double fraction)
    {
        _latencies.Sort((a, b) => a.Milliseconds.CompareTo(b.Milliseconds));
        long rank = (long)(_latencies.Sum(latency => (long)latency.Count) * fraction);
        foreach ((double milliseconds, int count) in _latencies)
        {
            rank -= count;
            if (rank < 0)
            {
                return milliseconds;
            }
        }

        return 0;
    }
}
