using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Weir.Cli;

/// <summary>
/// How far a long command is, with rate and time left: a bar where somebody watches, else a plain line every five seconds.
/// Nothing at all is shown for what takes under a second.
/// </summary>
internal static class Progress
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFrames = TimeSpan.FromMilliseconds(100);

    /// <param name="label">What is being done; asked again for every line, so that it can name the phase.</param>
    /// <param name="total">What <paramref name="done"/> ends at; 0 when nobody knows.</param>
    /// <param name="done">Read from this thread while <paramref name="work"/> runs elsewhere.</param>
    /// <param name="unit">Plural: "events", "bytes".</param>
    public static async Task<T> WatchAsync<T>(Terminal terminal, Func<string> label, string unit, Func<long> total, Func<long> done, Task<T> work)
    {
        await WatchAsync(terminal, label, unit, total, done, (Task)work);
        return await work;
    }

    /// <inheritdoc cref="WatchAsync{T}"/>
    public static async Task WatchAsync(Terminal terminal, Func<string> label, string unit, Func<long> total, Func<long> done, Task work)
    {
        await Task.WhenAny(work, Task.Delay(Quiet));
        if (!work.IsCompleted)
        {
            long started = Stopwatch.GetTimestamp() - (long)(Quiet.TotalSeconds * Stopwatch.Frequency);
            await (terminal.IsInteractive
                ? DrawBarAsync(terminal, label, unit, total, done, work, started)
                : WriteLinesAsync(terminal, label, unit, total, done, work, started));
        }

        await work;
    }

    private static async Task DrawBarAsync(Terminal terminal, Func<string> label, string unit, Func<long> total, Func<long> done, Task work, long started)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(terminal.Error),
            Ansi = AnsiSupport.Yes,
            ColorSystem = terminal.HasColor ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        });

        // What is left beside the longest description.
        int barWidth = Math.Clamp(console.Profile.Width - 86, 8, 40);
        await console.Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = barWidth }, new PercentageColumn())
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask(Markup.Escape(label()), autoStart: true, maxValue: 1);
                while (!work.IsCompleted)
                {
                    long all = total();
                    bar.IsIndeterminate = all == 0;
                    bar.Value = all == 0 ? 0 : Math.Min(1, (double)done() / all);
                    bar.Description = Markup.Escape($"{label()}  {Describe(unit, all, done(), Stopwatch.GetElapsedTime(started))}");
                    await Task.WhenAny(work, Task.Delay(BetweenFrames));
                }
            });
    }

    private static async Task WriteLinesAsync(Terminal terminal, Func<string> label, string unit, Func<long> total, Func<long> done, Task work, long started)
    {
        while (!work.IsCompleted)
        {
            terminal.Error.WriteLine($"{label()}: {Describe(unit, total(), done(), Stopwatch.GetElapsedTime(started))}");
            await Task.WhenAny(work, Task.Delay(BetweenLines));
        }
    }

    /// <summary>"124,000 / 200,000 events   48,211/s   1.6 s left"; parts that are not known are left out.</summary>
    internal static string Describe(string unit, long total, long done, TimeSpan elapsed)
    {
        double rate = elapsed > TimeSpan.Zero ? done / elapsed.TotalSeconds : 0;
        string text = total > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{done:N0} / {total:N0} {unit}   {rate:N0}/s")
            : string.Create(CultureInfo.InvariantCulture, $"{done:N0} {unit}   {rate:N0}/s");
        return total > done && rate > 0 ? $"{text}   {TextTable.Duration(TimeSpan.FromSeconds((total - done) / rate))} left" : text;
    }
}
