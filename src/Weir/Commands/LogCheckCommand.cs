using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Storage;

namespace Weir.Cli.Commands;

/// <summary><c>weir log check</c>: verifies every byte of a stopped server's log, and changes nothing.</summary>
internal static class LogCheckCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> folder = LogCommand.Directory();
        var stream = new Option<string?>("--stream") { Description = "Only this stream.", HelpName = "STREAM" };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("check", "Verify every byte of the log of a server that is not running. Changes nothing. Exit code 1 when the log is damaged.") { folder, stream, json };
        command.SetAction((parsed, _) => RunAsync(terminal, parsed.GetRequiredValue(folder), parsed.GetValue(stream), parsed.GetValue(json)));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string folder, string? stream, bool json)
    {
        IDisk disk = LinuxDisk.Instance;
        using DataDirectory data = DataDirectory.OpenForReading(disk, folder);

        // A server that is writing would look like an unfinished end.
        using IDisposable alone = disk.Lock(Path.Combine(folder, "weir.lock"));
        (string Stream, int Partition, string Path)[] partitions = [.. Partitions(data, stream)];
        long total = partitions.Sum(partition => LogCheck.TotalBytes(disk, partition.Path));
        long done = 0;
        LogCheckReport[] reports = await Progress.WatchAsync(
            terminal,
            () => "checking",
            "bytes",
            () => total,
            () => Interlocked.Read(ref done),
            Task.Factory.StartNew(
                () =>
                {
                    long before = 0;
                    return Array.ConvertAll(partitions, partition =>
                    {
                        LogCheckReport report = LogCheck.Run(disk, partition.Path, bytes => Interlocked.Exchange(ref done, before + bytes));
                        before += report.Bytes;
                        return report;
                    });
                },
                TaskCreationOptions.LongRunning));

        bool isIntact = reports.All(report => report.IsIntact);
        if (json)
        {
            terminal.WriteJson(ToJson(partitions, reports, isIntact));
        }
        else
        {
            Write(terminal, partitions, reports, isIntact);
        }

        return isIntact ? ExitCode.Ok : ExitCode.Failed;
    }

    internal static IEnumerable<(string Stream, int Partition, string Path)> Partitions(DataDirectory data, string? stream)
    {
        foreach (StreamDirectory directory in data.Streams().Where(directory => stream is null || directory.Name == stream))
        {
            for (int partition = 0; partition < PartitionsOf(directory); partition++)
            {
                yield return (directory.Name, partition, directory.PartitionPath(partition));
            }
        }
    }

    /// <summary>How many partitions the stream has: a directory that is missing is damage too.</summary>
    internal static int PartitionsOf(StreamDirectory directory) => JsonNode.Parse(directory.ReadDefinition())?["definition"]?["partitions"]?.GetValue<int>() ?? 1;

    private static void Write(Terminal terminal, (string Stream, int Partition, string Path)[] partitions, LogCheckReport[] reports, bool isIntact)
    {
        var table = new TextTable("stream", "#partition", "#segments", "#records", "#start", "#end", "#bytes", "state");
        for (int i = 0; i < reports.Length; i++)
        {
            LogCheckReport report = reports[i];
            table.Add(
                partitions[i].Stream,
                partitions[i].Partition.ToString(CultureInfo.InvariantCulture),
                TextTable.Count(report.Segments),
                TextTable.Count(report.Records),
                TextTable.Count(report.Start.Value),
                TextTable.Count(report.End.Value),
                TextTable.Count(report.Bytes),
                !report.IsIntact ? "DAMAGED" : report.Faults.Count > 0 ? "intact; derived files are made anew" : "intact");
        }

        table.WriteTo(terminal.Out);
        foreach (LogFault fault in reports.SelectMany(report => report.Faults))
        {
            terminal.Out.WriteLine($"{(fault.IsDerived ? "derived" : "damage")}  {fault}");
        }

        foreach (string note in reports.SelectMany(report => report.Notes))
        {
            terminal.Out.WriteLine($"note     {note}");
        }

        terminal.Out.WriteLine(isIntact ? "every byte of the log is as written" : "the log is damaged; nothing was changed. Restore the files named from a copy (the offsets outside the damage stay readable meanwhile), or see what `weir log repair` would do");
    }

    private static JsonObject ToJson((string Stream, int Partition, string Path)[] partitions, LogCheckReport[] reports, bool isIntact) => new()
    {
        ["intact"] = isIntact,
        ["partitions"] = new JsonArray([.. reports.Select((report, i) => new JsonObject
        {
            ["stream"] = partitions[i].Stream,
            ["partition"] = partitions[i].Partition,
            ["intact"] = report.IsIntact,
            ["segments"] = report.Segments,
            ["frames"] = report.Frames,
            ["records"] = report.Records,
            ["start"] = report.Start.Value,
            ["end"] = report.End.Value,
            ["bytes"] = report.Bytes,
            ["faults"] = new JsonArray([.. report.Faults.Select(fault => new JsonObject
            {
                ["file"] = fault.File,
                ["file_position"] = fault.FilePosition,
                ["start"] = fault.Start?.Value,
                ["end"] = fault.End?.Value,
                ["derived"] = fault.IsDerived,
                ["fault"] = fault.Fault,
            })]),
            ["notes"] = new JsonArray([.. report.Notes.Select(note => JsonValue.Create(note))]),
        })]),
    };
}
