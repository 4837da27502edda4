using System.Diagnostics;
using System.Globalization;
using Weir.Core;

namespace Weir.FuzzTests;

/// <summary>Feeds one target with mutated inputs on a thread of its own and watches it: unexpected exceptions, allocation, inputs that do not end.</summary>
internal sealed class FuzzRun
{
    private const int MostParents = 1024;

    /// <summary>No input is large enough for this to be anything but a loop.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly FuzzTarget _target;
    private readonly Random _random;
    private readonly Mutator _mutator;
    private readonly List<byte[]> _parents;
    private readonly HashSet<int> _outcomes = [];
    private readonly int _seed;
    private volatile byte[] _input = [];
    private long _begunAt;
    private string? _failure;

    public FuzzRun(FuzzTarget target, int seed)
    {
        _target = target;
        _seed = seed;
        _random = new Random(seed);
        _mutator = new Mutator(_random, target.Dictionary);
        _parents = [.. target.Corpus];
    }

    public long Inputs { get; private set; }

    /// <summary>Inputs that were refused with a documented error.</summary>
    public long Refused { get; private set; }

    public int Outcomes => _outcomes.Count;

    public long LargestAllocation { get; private set; }

    public double LargestAllocationPerByte { get; private set; }

    public TimeSpan Took { get; private set; }

    /// <returns>Null, or what went wrong, with the input.</returns>
    public string? Run(long inputs)
    {
        long start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _begunAt, start);
        var thread = new Thread(() => Feed(inputs)) { IsBackground = true, Name = "fuzz " + _target.Name };
        thread.Start();
        while (!thread.Join(TimeSpan.FromSeconds(1)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _begunAt)) > Patience)
            {
                return Describe($"has not ended after {Patience.TotalSeconds} s");
            }
        }

        Took = Stopwatch.GetElapsedTime(start);
        return _failure;
    }

    private void Feed(long inputs)
    {
        // The first pass pays for what is made once: code, tables, buffers of the thread.
        foreach (byte[] valid in _target.Corpus)
        {
            if (!Try(valid, isMeasured: false))
            {
                return;
            }
        }

        for (; Inputs < inputs; Inputs++)
        {
            byte[] parent = _parents[_random.Next(_parents.Count)];
            byte[] input = _mutator.Mutate(parent, _parents[_random.Next(_parents.Count)]);
            if (_target.Repair is { } repair && _random.Next(2) == 0)
            {
                repair(input);
            }

            if (!Try(input, isMeasured: true))
            {
                return;
            }
        }
    }

    private bool Try(byte[] input, bool isMeasured)
    {
        _input = input;
        Volatile.Write(ref _begunAt, Stopwatch.GetTimestamp());
        long before = GC.GetAllocatedBytesForCurrentThread();
        int outcome;
        try
        {
            outcome = _target.Read(input);
        }
        catch (WeirException refused) when (Enum.IsDefined(refused.Code))
        {
            outcome = (int)refused.Code;
            Refused++;
        }
        catch (Exception unexpected)
        {
            _failure = Describe(unexpected.ToString());
            return false;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (isMeasured)
        {
            LargestAllocation = Math.Max(LargestAllocation, allocated);
            LargestAllocationPerByte = Math.Max(LargestAllocationPerByte, Math.Max(0, allocated - _target.FixedBytes) / (double)Math.Max(1, input.Length));
            if (allocated > _target.FixedBytes + (_target.BytesPerByte * input.Length))
            {
                _failure = Describe(string.Create(CultureInfo.InvariantCulture, $"allocated {allocated} bytes for an input of {input.Length}"));
                return false;
            }
        }

        if (_outcomes.Add(outcome) && _parents.Count < MostParents)
        {
            _parents.Add(input);
        }

        return true;
    }

    private string Describe(string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{_target.Name}, seed {_seed}, input {Inputs}: {what}\n{_input.Length} bytes: {Convert.ToHexStringLower(_input)}\nas text: {Printable(_input)}");

    private static string Printable(byte[] input) =>
        string.Concat(input.Select(b => b is >= 0x20 and < 0x7F ? ((char)b).ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{b:x2}")));
}
