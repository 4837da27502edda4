using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Weir.KafkaTests.Support;

/// <summary>A process that is told lines and tells lines. Disposing kills it.</summary>
internal sealed class LineProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int Terminate = 15;

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly StringBuilder _errors = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LineProcess(Process process)
    {
        _process = process;
    }

    /// <summary>Standard output so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public string Errors
    {
        get
        {
            lock (_lines)
            {
                return _errors.ToString();
            }
        }
    }

    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static LineProcess Start(IReadOnlyList<string> line)
    {
        var start = new ProcessStartInfo(line[0], line.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        var process = new LineProcess(new Process { StartInfo = start });
        process._process.OutputDataReceived += (_, received) => process.Take(received.Data);
        process._process.ErrorDataReceived += (_, received) => process.TakeError(received.Data);
        process._process.Start();
        process._process.BeginOutputReadLine();
        process._process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Waits until the lines so far, or the end of the process, are enough.</summary>
    /// <exception cref="TimeoutException">They are not, after <see cref="Patience"/>.</exception>
    public async Task WaitAsync(Func<IReadOnlyList<string>, bool> isEnough, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task more;
            lock (_lines)
            {
                more = _more.Task;
            }

            if (isEnough(Lines))
            {
                return;
            }

            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The process ended before {what}.\n{this}");
            }

            try
            {
                await Task.WhenAny(more, _process.WaitForExitAsync(patience.Token)).WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"No {what} after {Patience}.\n{this}");
            }
        }
    }

    /// <summary>Tells it a line.</summary>
    /// <exception cref="InvalidOperationException">It has ended.</exception>
    public async Task WriteAsync(string line)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(line);
        }
        catch (IOException)
        {
            await ExitAsync();
            throw new InvalidOperationException($"The process ended before it was told {line}.\n{this}");
        }
    }

    /// <summary>Ends its input, and waits for the end of the process.</summary>
    /// <returns>All lines of its output.</returns>
    /// <exception cref="InvalidOperationException">Its exit code is not 0.</exception>
    public async Task<IReadOnlyList<string>> EndAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, and its exit code says how.
        }

        await ExitAsync();
        return _process.ExitCode == 0 ? Lines : throw new InvalidOperationException($"Exit code {_process.ExitCode}.\n{this}");
    }

    /// <summary>SIGTERM, and the end of the process.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        _ = Send(_process.Id, Terminate);
        return await EndAsync();
    }

    /// <summary>SIGKILL: nothing of the process runs after this, and all that it told is in <see cref="Lines"/>.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    public override string ToString() =>
        $"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}\n{Errors}\n{Lines.Count} lines, the last of them:\n{string.Join('\n', Lines.TakeLast(5))}";

    private async Task ExitAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The process has not ended after {Patience}.\n{this}");
        }
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Add(line);
            _more.TrySetResult();
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void TakeError(string? line)
    {
        lock (_lines)
        {
            _errors.AppendLine(line);
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Send(int processId, int signal);
}
