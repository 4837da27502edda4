using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>
/// POST /v1/views/{view}/recount and GET /v1/recounts/{id}: counts a view again from the log in a child process and compares. One at a time;
/// a recount that takes longer than <see cref="AnswerAtOnce"/> goes on by itself and is asked for by its id. The last results are kept until the server stops.
/// </summary>
/// <param name="command">Program and arguments that begin a recount child; it takes its request on its input (see Weir.Recount's RecountChild).</param>
internal sealed class Recounts(ServerState server, string dataDirectory, IReadOnlyList<string> command) : IAsyncDisposable
{
    private static readonly TimeSpan AnswerAtOnce = TimeSpan.FromSeconds(2);
    private const int Kept = 100;

    private readonly ConcurrentDictionary<string, RecountJob> _jobs = new();
    private readonly ConcurrentQueue<string> _order = new();
    private readonly CancellationTokenSource _stopping = new();
    private RecountJob? _running;
    private int _lastId;

    public async Task StartAsync(HttpContext context, string name)
    {
        View view = server.View(name);
        ReadModel model = await server.BuiltAsync(view, ServerState.BuildPatience, context.RequestAborted);
        var job = new RecountJob(NextId(), view.Name);
        if (Interlocked.CompareExchange(ref _running, job, null) is { } running)
        {
            context.Response.Headers.Location = "/v1/recounts/" + running.Id;
            throw new WeirException(ErrorCode.RecountBusy, $"Recount {running.Id} of the view {running.View} is running.");
        }

        Keep(job);
        job.Done = RunAsync(job, view, model);
        await Task.WhenAny(job.Done, Task.Delay(AnswerAtOnce, context.RequestAborted));
        await WriteAsync(context, job, job.Done.IsCompleted ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }

    public Task GetAsync(HttpContext context, string id) =>
        _jobs.TryGetValue(id, out RecountJob? job)
            ? WriteAsync(context, job, StatusCodes.Status200OK)
            : throw new WeirException(ErrorCode.UnknownRecount, $"There is no recount {id}.");

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_running?.Done is { } done)
        {
            await done;
        }

        _stopping.Dispose();
    }

    private static Task WriteAsync(HttpContext context, RecountJob job, int status)
    {
        context.Response.Headers.Location = "/v1/recounts/" + job.Id;
        context.Response.Headers.CacheControl = "no-store";
        return JsonAnswer.WriteAsync(context, writer => job.Write(writer), status);
    }

    private string NextId() => Interlocked.Increment(ref _lastId).ToString(CultureInfo.InvariantCulture);

    private void Keep(RecountJob job)
    {
        _jobs[job.Id] = job;
        _order.Enqueue(job.Id);
        while (_order.Count > Kept && _order.TryDequeue(out string? oldest))
        {
            _jobs.TryRemove(oldest, out _);
        }
    }

    private async Task RunAsync(RecountJob job, View view, ReadModel model)
    {
        try
        {
            // The first frame of a subscription is all shown rows at one position.
            LiveFrame snapshot = await model.Subscribe().NextAsync(_stopping.Token);
            await RunChildAsync(job, view, snapshot);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or System.ComponentModel.Win32Exception or JsonException)
        {
            job.Fail(ErrorCode.Internal, $"The recount's process could not be run: {failure.Message}");
        }
        finally
        {
            Volatile.Write(ref _running, null);
            job.Publish();
        }
    }

    private async Task RunChildAsync(RecountJob job, View view, LiveFrame snapshot)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process child = Process.Start(start) ?? throw new IOException("It did not start.");
        await using CancellationTokenRegistration killed = _stopping.Token.Register(() => child.Kill());

        // The child reads the rows when it has counted: they are written while its output is read, or both would wait for ever.
        Task writing = WriteInputAsync(child.StandardInput, view, snapshot);
        while (await child.StandardOutput.ReadLineAsync() is { } line)
        {
            job.Take(line);
        }

        await child.WaitForExitAsync();
        try
        {
            await writing;
        }
        catch (IOException)
        {
            // The child ended before it read the rows; its last line says why.
        }

        job.End(child.ExitCode);
    }

    private async Task WriteInputAsync(StreamWriter input, View view, LiveFrame snapshot)
    {
        await using (input)
        {
            input.NewLine = "\n";
            await input.WriteLineAsync(RequestLine(view, snapshot));
            await input.FlushAsync();
            await input.BaseStream.WriteAsync(RowLines(snapshot.Json.Span));
        }
    }

    private string RequestLine(View view, LiveFrame snapshot)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("data", dataDirectory);
            writer.WriteString("sql", view.Definition.Sql);
            writer.WriteString("position", snapshot.Position.ToString());
            writer.WriteNumber("keep", view.Definition.Keep);
            writer.WriteNumber("errors", ErrorsOf(snapshot.Json.Span));
            writer.WriteString("base_section", view.Section);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static long ErrorsOf(ReadOnlySpan<byte> frame)
    {
        var reader = new Utf8JsonReader(frame);
        FindMember(ref reader, "errors"u8);
        return reader.GetInt64();
    }

    // One line per row, as they stand in the frame.
    private static byte[] RowLines(ReadOnlySpan<byte> frame)
    {
        var lines = new MemoryStream(frame.Length);
        var reader = new Utf8JsonReader(frame);
        FindMember(ref reader, "rows"u8);
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            int begin = (int)reader.TokenStartIndex;
            reader.Skip();
            lines.Write(frame[begin..(int)reader.BytesConsumed]);
            lines.WriteByte((byte)'\n');
        }

        return lines.ToArray();
    }

    private static void FindMember(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        reader.Read();
        while (reader.Read() && !reader.ValueTextEquals(name))
        {
            reader.Read();
            reader.Skip();
        }

        reader.Read();
    }
}
