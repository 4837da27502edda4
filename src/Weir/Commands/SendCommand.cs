using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Cli.Send;
using Weir.Core;

namespace Weir.Cli.Commands;

/// <summary><c>weir send STREAM FILE…</c>: files of one JSON object a line, sent so that repeating the command counts nothing twice.</summary>
internal static class SendCommand
{
    public static Command Create(Terminal terminal)
    {
        var stream = new Argument<string>("STREAM") { Description = "The stream to send to." };
        var files = new Argument<string[]>("FILE")
        {
            Description = "Files of one JSON object a line (NDJSON), gzip or plain; - is standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> url = SharedOptions.Url();
        Option<bool> json = SharedOptions.Json();
        var inFlight = new Option<int>("--in-flight") { Description = "Requests at the same time. 1 keeps the order of the lines.", DefaultValueFactory = _ => 4, HelpName = "N" };
        var patience = new Option<int>("--patience") { Description = "Seconds for which one body is repeated while its outcome is unknown.", DefaultValueFactory = _ => 300, HelpName = "SECONDS" };
        var command = new Command("send", "Send files of events to a stream. Safe to repeat: what was counted is recognised.")
        {
            stream, files, url, json, inFlight, patience,
        };
        command.SetAction((parsed, cancel) => RunAsync(
            terminal,
            parsed.Connect(url),
            parsed.GetRequiredValue(stream),
            parsed.GetRequiredValue(files),
            Math.Clamp(parsed.GetValue(inFlight), 1, 64),
            TimeSpan.FromSeconds(parsed.GetValue(patience)),
            parsed.GetValue(json),
            cancel));
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, ServerClient server, string stream, string[] files, int inFlight, TimeSpan patience, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        long totalBytes = TotalBytes(files);
        JsonObject described = await server.GetAsync($"v1/streams/{Uri.EscapeDataString(stream)}", cancel);
        if (described["delivery"]?.ToString() != "exactly-once")
        {
            terminal.Error.WriteLine($"{stream} is {described["delivery"]}: it counts every event that it is sent, so sending a file again counts it again");
        }

        string? id = described["definition"]?["id"]?.ToString();
        var sender = new Sender(server, stream, id is not null && id.All(IsOrdinary) ? id : null, patience);
        LineBatchReader? current = null;
        long bytesBefore = 0;
        long started = Stopwatch.GetTimestamp();
        Task work = Parallel.ForEachAsync(
            ReadAsync(),
            new ParallelOptions { MaxDegreeOfParallelism = inFlight, CancellationToken = cancel },
            async (batch, token) => await sender.SendAsync(batch, token));
        await Progress.WatchAsync(
            terminal,
            () => $"sending to {stream}",
            "bytes",
            () => totalBytes,
            () => Interlocked.Read(ref bytesBefore) + (Volatile.Read(ref current)?.FileBytesRead ?? 0),
            work);
        WriteResult(terminal, stream, files, sender, Stopwatch.GetElapsedTime(started), json);
        return sender.Total("refused") + sender.Total("invalid") == 0 ? ExitCode.Ok : ExitCode.Failed;

        async IAsyncEnumerable<LineBatch> ReadAsync()
        {
            foreach (string file in files)
            {
                using LineBatchReader reader = LineBatchReader.Open(file, LineBatchReader.DefaultBatchBytes);
                Volatile.Write(ref current, reader);
                while (await reader.ReadAsync(cancel) is { } batch)
                {
                    yield return batch;
                }

                Volatile.Write(ref current, null);
                Interlocked.Add(ref bytesBefore, reader.FileBytesRead);
            }
        }
    }

    // Of a path at the top of the event: no step, index or quote.
    private static bool IsOrdinary(char letter) => char.IsAsciiLetterOrDigit(letter) || letter == '_';

    /// <summary>Looks at every file first, so that a wrong name is found before anything is sent. 0 when standard input is among them.</summary>
    private static long TotalBytes(string[] files)
    {
        long total = 0;
        foreach (string file in files.Where(file => file != "-"))
        {
            var info = new FileInfo(file);
            total += info.Exists ? info.Length : throw new WeirException(ErrorCode.FileUnreadable, $"{file}: no such file");
        }

        return files.Contains("-") ? 0 : total;
    }

    private static void WriteResult(Terminal terminal, string stream, string[] files, Sender sender, TimeSpan elapsed, bool json)
    {
        double rate = sender.Decided / Math.Max(elapsed.TotalSeconds, 1e-9);
        if (json)
        {
            var result = new JsonObject { ["stream"] = stream, ["files"] = new JsonArray([.. files.Select(file => JsonValue.Create(file))]), ["lines"] = sender.Decided };
            foreach (string outcome in Sender.Outcomes)
            {
                result[outcome] = sender.Total(outcome);
            }

            result["repeated_requests"] = sender.Repeated;
            result["position"] = sender.Position;
            result["seconds"] = Math.Round(elapsed.TotalSeconds, 3);
            result["events_per_second"] = Math.Round(rate);
            result["faults"] = new JsonArray([.. sender.Faults.Select(fault => JsonValue.Create(fault))]);
            terminal.WriteJson(result);
            return;
        }

        foreach (string fault in sender.Faults)
        {
            terminal.Error.WriteLine(fault);
        }

        IEnumerable<string> totals = Sender.Outcomes
            .Where(outcome => outcome == "counted" || sender.Total(outcome) > 0)
            .Select(outcome => $"{outcome} {TextTable.Count(sender.Total(outcome))}");
        terminal.Out.WriteLine($"{stream}: {TextTable.Count(sender.Decided)} lines: {string.Join(", ", totals)}");
        terminal.Out.WriteLine($"{TextTable.Duration(elapsed)}, {TextTable.Count(Math.Round(rate))} lines/s{(sender.Position is { } position ? $", position {position}" : "")}");
        if (sender.Repeated > 0)
        {
            terminal.Out.WriteLine($"{TextTable.Count(sender.Repeated)} requests were sent again because their outcome was not known; what had been counted came back as duplicate");
        }
    }
}
