using System.Globalization;
using Weir.TestKit;

namespace Weir.Simulator;

/// <summary>What happened, line by line, when somebody replays a seed; nothing otherwise.</summary>
internal sealed class Trace(FakeTime time, TextWriter? writer)
{
    private readonly long _start = time.GetTimestamp();

    public bool IsOn => writer is not null;

    public void Write(string line)
    {
        if (writer is not null)
        {
            double seconds = (time.GetTimestamp() - _start) / (double)TimeSpan.TicksPerSecond;
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds,12:0.0000} {line}"));
        }
    }
}
