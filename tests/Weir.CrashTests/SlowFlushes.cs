using System.Diagnostics;
using System.Globalization;

namespace Weir.CrashTests;

/// <summary>
/// Makes the flushes of one file slow, of a server that runs already, by attaching strace to it; disposing lets them be quick again, those under way included.
/// </summary>
internal sealed class SlowFlushes : IAsyncDisposable
{
    private readonly Process _strace;
    private readonly string _log;
    private bool _isOver;

    private SlowFlushes(Process strace, string log)
    {
        _strace = strace;
        _log = log;
    }

    /// <summary>Flushes of the file that have ended since.</summary>
    public int Count => File.ReadLines(_log).Count(line => line.Contains("(DELAYED)", StringComparison.Ordinal));

    /// <summary>Attaches; from the return on each flush takes <paramref name="delay"/> longer.</summary>
    public static async Task<SlowFlushes> BeginAsync(WorkDirectory directory, int processId, string path, TimeSpan delay)
    {
        string log = directory.PathOf(string.Create(CultureInfo.InvariantCulture, $"slow-{delay.TotalMilliseconds:0}"));
        string microseconds = ((long)delay.TotalMicroseconds).ToString(CultureInfo.InvariantCulture);
        string[] arguments =
        [
            "-f", "-y", "-p", processId.ToString(CultureInfo.InvariantCulture), "-P", path, "-o", log,
            "-e", "signal=none", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=" + microseconds,
        ];
        Process strace = Process.Start(new ProcessStartInfo("strace", arguments) { RedirectStandardError = true })!;
        string? attached = await strace.StandardError.ReadLineAsync().WaitAsync(ServerUnderTest.Patience);
        Assert.Contains("attached", attached, StringComparison.Ordinal);
        return new SlowFlushes(strace, log);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        _ = Signals.Send(_strace.Id, Signals.Terminate);
        await _strace.WaitForExitAsync().WaitAsync(ServerUnderTest.Patience);
        _strace.Dispose();
    }
}
