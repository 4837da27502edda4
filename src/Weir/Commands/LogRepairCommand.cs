using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Storage;

namespace Weir.Cli.Commands;

/// <summary><c>weir log repair</c>: says what a damaged log has lost, and makes it writable again when told to.</summary>
internal static class LogRepairCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> folder = LogCommand.Directory();
        var stream = new Option<string?>("--stream") { Description = "Only this stream.", HelpName = "STREAM" };
        var apply = new Option<bool>("--apply") { Description = "Do it. Without this nothing is changed." };
        Option<bool> json = SharedOptions.Json();
        var command = new Command(
            "repair",
            "Say what is lost of a damaged log of a server that is not running, and what a repair would do; with --apply, do it. Intact records keep their offsets, lost ones become markers, the damaged files are kept aside.")
        { folder, stream, apply, json };
        command.SetAction((parsed, _) => RunAsync(terminal, parsed.GetRequiredValue(folder), parsed.GetValue(stream), parsed.GetValue(apply), parsed.GetValue(json)));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string folder, string? stream, bool apply, bool json)
    {
        IDisk disk = LinuxDisk.Instance;
        using DataDirectory data = DataDirectory.OpenOffline(disk, folder);
        List<Repaired> all = [];
        foreach (StreamDirectory directory in data.Streams().Where(directory => stream is null || directory.Name == stream))
        {
            for (int partition = 0; partition < LogCheckCommand.PartitionsOf(directory); partition++)
            {
                string path = directory.PartitionPath(partition);
                bool wasInterrupted = LogRepair.IsInterrupted(disk, path);
                if (wasInterrupted && apply)
                {
                    LogRepair.Finish(disk, path);
                }

                all.Add(new Repaired(directory.Name, partition, path, wasInterrupted));
            }
        }

        long total = all.Where(one => !one.WasInterrupted || apply).Sum(one => LogCheck.TotalBytes(disk, one.Path));
        long done = 0;
        await Progress.WatchAsync(
            terminal,
            () => apply ? "repairing" : "checking",
            "bytes",
            () => total,
            () => Interlocked.Read(ref done),
            Task.Factory.StartNew(
                () =>
                {
                    foreach (Repaired one in all.Where(one => !one.WasInterrupted || apply))
                    {
                        long before = done;
                        one.Plan = LogRepair.Plan(disk, one.Path, bytes => Interlocked.Exchange(ref done, before + bytes));
                        one.Aside = apply ? LogRepair.Apply(disk, one.Plan, new LogOptions()) : null;
                    }

                    return true;
                },
                TaskCreationOptions.LongRunning));

        if (json)
        {
            terminal.WriteJson(ToJson(all, apply));
        }
        else
        {
            Write(terminal, all, apply);
        }

        return apply || all.TrueForAll(one => one.Plan is { Damage.Count: 0 } && !one.WasInterrupted) ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void Write(Terminal terminal, List<Repaired> all, bool apply)
    {
        foreach (Repaired one in all.Where(one => one.WasInterrupted))
        {
            terminal.Out.WriteLine($"{one.Stream}/{one.Partition}: {(apply ? "the finished files of an interrupted repair were put in place" : "a repair was interrupted; --apply puts its finished files in place")}");
        }

        foreach (Repaired one in all.Where(one => one.Plan is { IsNothing: false }))
        {
            LogRepairPlan plan = one.Plan!;
            terminal.Out.WriteLine($"{one.Stream}/{one.Partition}: {(plan.Damage.Count == 0 ? "the log is intact" : string.Create(CultureInfo.InvariantCulture, $"{plan.LostRecords:N0} of {plan.End - plan.Start:N0} records are lost"))}");
            foreach (string damage in plan.Damage)
            {
                terminal.Out.WriteLine($"  damage   {damage}");
            }

            foreach ((Core.Offset start, Core.Offset end) in plan.Lost)
            {
                terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  lost     offsets {start} to {end} (exclusive): {(apply ? "markers now" : "would become markers")}"));
            }

            foreach (string file in plan.DerivedFiles)
            {
                terminal.Out.WriteLine($"  derived  {file}: {(apply ? "deleted" : "would be deleted")}; it is made anew from the log");
            }

            if (one.Aside is { } aside)
            {
                terminal.Out.WriteLine($"  kept     the damaged files are in {aside}; delete them when they are of no use any more");
            }
        }

        bool isLossy = all.Exists(one => one.Plan is { Lost.Count: > 0 });
        terminal.Out.WriteLine(
            all.TrueForAll(one => one.Plan is { IsNothing: true } && !one.WasInterrupted) ? "nothing to repair: every byte of the log is as written"
            : apply ? "repaired; the next start folds the log anew"
            : $"nothing was changed; --apply does it.{(isLossy ? " If there is a copy of the files that are damaged, restore it instead: nothing is lost then. After a repair, an event whose record is lost counts again when it is sent again." : "")}");
    }

    private static JsonObject ToJson(List<Repaired> all, bool apply) => new()
    {
        ["applied"] = apply,
        ["partitions"] = new JsonArray([.. all.Select(one => new JsonObject
        {
            ["stream"] = one.Stream,
            ["partition"] = one.Partition,
            ["interrupted"] = one.WasInterrupted,
            ["start"] = one.Plan?.Start.Value,
            ["end"] = one.Plan?.End.Value,
            ["lost_records"] = one.Plan?.LostRecords,
            ["lost"] = new JsonArray([.. (one.Plan?.Lost ?? []).Select(range => new JsonObject { ["start"] = range.Start.Value, ["end"] = range.End.Value })]),
            ["damage"] = new JsonArray([.. (one.Plan?.Damage ?? []).Select(text => JsonValue.Create(text))]),
            ["derived"] = new JsonArray([.. (one.Plan?.DerivedFiles ?? []).Select(text => JsonValue.Create(text))]),
            ["kept_aside"] = one.Aside,
        })]),
    };

    /// <summary>A partition and what becomes of it.</summary>
    private sealed class Repaired(string stream, int partition, string path, bool wasInterrupted)
    {
        public string Stream => stream;

        public int Partition => partition;

        public string Path => path;

        public bool WasInterrupted => wasInterrupted;

        /// <summary>Null for the files of an interrupted repair that are not in place yet.</summary>
        public LogRepairPlan? Plan { get; set; }

        public string? Aside { get; set; }
    }
}
