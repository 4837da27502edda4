using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Core;
using Weir.Storage;

namespace Weir.Cli.Commands;

/// <summary><c>weir log dump</c>: the frames of a partition as they lie in the files, damage included.</summary>
internal static class LogDumpCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> folder = LogCommand.Directory();
        var stream = new Option<string>("--stream") { Description = "The stream.", HelpName = "STREAM", Required = true };
        var partition = new Option<int>("--partition") { Description = "The partition.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var from = new Option<long>("--from") { Description = "First offset.", HelpName = "OFFSET", DefaultValueFactory = _ => 0 };
        var limit = new Option<int>("--limit") { Description = "Frames at most.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var records = new Option<bool>("--records") { Description = "Show the records of each frame." };
        Option<bool> json = SharedOptions.Json();
        json.Description = "Print each frame as one JSON document a line.";
        var command = new Command("dump", "Show the frames of a partition as they lie in the files, damage included. Works beside a running server.") { folder, stream, partition, from, limit, records, json };
        command.SetAction(parsed => Run(
            terminal,
            parsed.GetRequiredValue(folder),
            parsed.GetRequiredValue(stream),
            parsed.GetValue(partition),
            new Offset(parsed.GetValue(from)),
            parsed.GetValue(limit),
            parsed.GetValue(records),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(Terminal terminal, string folder, string stream, int partition, Offset from, int limit, bool records, bool json)
    {
        using DataDirectory data = DataDirectory.OpenForReading(LinuxDisk.Instance, folder);
        string path = LogCheckCommand.Partitions(data, stream).Where(place => place.Partition == partition).Select(place => place.Path).FirstOrDefault()
            ?? throw new WeirException(ErrorCode.UnknownStream, $"{folder} has no partition {partition} of a stream '{stream}'");
        string? file = null;
        foreach (DumpedFrame frame in LogDump.Frames(LinuxDisk.Instance, path, from).Take(limit))
        {
            if (json)
            {
                terminal.Out.WriteLine(Terminal.Line(ToJson(frame, records)));
                continue;
            }

            if (frame.File != file)
            {
                file = frame.File;
                terminal.Out.WriteLine($"{file}: {LogDump.Header(LinuxDisk.Instance, file)}");
            }

            Write(terminal, frame, records);
        }

        return ExitCode.Ok;
    }

    private static void Write(Terminal terminal, DumpedFrame frame, bool records)
    {
        if (frame.Fault is { } fault)
        {
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {frame.FilePosition,12}  {frame.Bytes} bytes  FAULT: {fault}"));
            return;
        }

        string what = frame.BaseOffset is Offset at
            ? string.Create(CultureInfo.InvariantCulture, $"offsets {at} to {at + frame.RecordCount} (exclusive)")
            : "idle";
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {frame.FilePosition,12}  {frame.Bytes} bytes  {what}, appended {frame.AppendTimeMs}, durable end {frame.DurableEnd}, checksum {frame.Checksum:x8} after {frame.Previous:x8}"));
        if (records)
        {
            foreach (JsonObject record in Records(frame))
            {
                terminal.Out.WriteLine($"                {Terminal.Line(record)}");
            }
        }
    }

    private static JsonObject ToJson(DumpedFrame frame, bool records)
    {
        var document = new JsonObject
        {
            ["file"] = frame.File,
            ["file_position"] = frame.FilePosition,
            ["bytes"] = frame.Bytes,
            ["idle"] = frame.IsIdle,
            ["offset"] = frame.BaseOffset?.Value,
            ["records"] = frame.RecordCount,
            ["codec"] = RecordBatch.TryRead(frame.Batch.Span, out RecordBatch batch) ? ((BatchCodec)batch.Codec).ToString().ToLowerInvariant() : null,
            ["append_time_ms"] = frame.AppendTimeMs,
            ["durable_end"] = frame.DurableEnd.Value,
            ["checksum"] = frame.Checksum.ToString("x8", CultureInfo.InvariantCulture),
            ["previous"] = frame.Previous.ToString("x8", CultureInfo.InvariantCulture),
            ["fault"] = frame.Fault,
        };
        if (records)
        {
            document["content"] = new JsonArray([.. Records(frame)]);
        }

        return document;
    }

    /// <summary>Offset, key and value of each record as text; a batch that cannot be expanded or does not parse gives what could be read.</summary>
    private static List<JsonObject> Records(DumpedFrame frame)
    {
        var records = new List<JsonObject>();
        if (new BatchContent().TryExpand(frame.Batch, BatchContent.MostBytes, out ReadOnlyMemory<byte> content) != ExpandResult.Done || !RecordBatch.TryRead(content.Span, out RecordBatch batch))
        {
            return records;
        }

        foreach (Record record in batch)
        {
            ReadOnlySpan<byte> key = record.KeyLength < 0 ? default : batch.Bytes.Slice(record.KeyAt, record.KeyLength);
            ReadOnlySpan<byte> value = record.ValueLength < 0 ? default : batch.Bytes.Slice(record.ValueAt, record.ValueLength);
            records.Add(new JsonObject
            {
                ["offset"] = (batch.BaseOffset + record.OffsetDelta).Value,
                ["marker"] = batch.IsControl && Marker.TryReadType(key, out MarkerType type) ? type.ToString().ToLowerInvariant() : null,
                ["key"] = batch.IsControl || record.KeyLength < 0 ? null : Encoding.UTF8.GetString(key),
                ["value"] = record.ValueLength < 0 ? null : Encoding.UTF8.GetString(value),
            });
        }

        return records;
    }
}
