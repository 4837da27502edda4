using System.Globalization;
using Weir.FuzzTests.Targets;
using Weir.TestKit;

namespace Weir.FuzzTests;

/// <summary>
/// Mutated inputs over everything that reads bytes from outside or from disk, as many as <see cref="TestScale.FuzzInputs"/> says. <c>WEIR_FUZZ_INPUTS</c>,
/// <c>WEIR_FUZZ_SEED</c> and <c>WEIR_FUZZ_TARGET</c> choose another number, other inputs, one target.
/// </summary>
public sealed class FuzzTests
{
    [Fact]
    public void No_input_makes_a_reader_throw_what_it_does_not_document_hang_or_allocate_without_bound()
    {
        long inputs = Environment.GetEnvironmentVariable("WEIR_FUZZ_INPUTS") is { } given ? long.Parse(given, CultureInfo.InvariantCulture) : TestScale.FuzzInputs;
        int seed = int.Parse(Environment.GetEnvironmentVariable("WEIR_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);
        string? only = Environment.GetEnvironmentVariable("WEIR_FUZZ_TARGET");
        using var scratch = new ScratchFile();
        FuzzTarget[] targets = [.. LogTargets.All(), .. DerivedFileTargets.All(), .. JsonTargets.All(), .. BodyTargets.All(), .. KafkaTargets.All(), .. CompressionTargets.All(), .. TextTargets.All(scratch.Path)];
        Assert.Equal(1_000, targets.Sum(target => target.Weight));

        long total = 0;
        var failures = new List<string>();
        Console.WriteLine($"fuzz, seed {seed}:");
        foreach (FuzzTarget target in targets.Where(target => only is null || target.Name.StartsWith(only, StringComparison.Ordinal)))
        {
            var run = new FuzzRun(target, seed);
            string? failure = run.Run(only is null ? inputs * target.Weight / 1_000 : inputs);
            total += run.Inputs;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {target.Name,-20} {run.Inputs,9} inputs, {run.Refused,8} refused with a code, {run.Outcomes,5} outcomes, largest allocation {run.LargestAllocation,7} B ({run.LargestAllocationPerByte:0.0} B per byte beyond {target.FixedBytes}), {run.Took.TotalSeconds:0.0} s"));
            if (failure is not null)
            {
                failures.Add(failure);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {total} inputs, unexpected: {failures.Count}"));
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    private sealed class ScratchFile : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("weir-fuzz-").FullName;

        public string Path => System.IO.Path.Combine(_directory, "weir.yaml");

        public void Dispose() => Directory.Delete(_directory, recursive: true);
    }
}
