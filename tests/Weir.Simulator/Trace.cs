using System.Globalization;
using System.Runtime.CompilerServices;
using Weir.TestKit;

namespace Weir.Simulator;

/// <summary>What happened, line by line, when somebody replays a seed; nothing otherwise, and then no line is put together.</summary>
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

    public void Write([InterpolatedStringHandlerArgument("")] ref Line line)
    {
        if (writer is not null)
        {
            Write(line.ToText());
        }
    }

    /// <summary>A line that is put together when the trace is on.</summary>
    [InterpolatedStringHandler]
    internal ref struct Line
    {
        private DefaultInterpolatedStringHandler _text;

        public Line(int literalLength, int formattedCount, Trace trace, out bool isOn)
        {
            isOn = trace.IsOn;
            _text = isOn ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
        }

        public void AppendLiteral(string literal) => _text.AppendLiteral(literal);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

        public string ToText() => _text.ToStringAndClear();
    }
}
