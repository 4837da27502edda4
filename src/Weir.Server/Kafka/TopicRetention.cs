using System.Globalization;
using Weir.Engine;

namespace Weir.Server.Kafka;

/// <summary>A stream's retention under Kafka's names: <c>retention.ms</c> and <c>retention.bytes</c>, of which a stream has one or none; -1: none.</summary>
internal sealed class TopicRetention(RetentionDefinition? value)
{
    public const string Milliseconds = "retention.ms";
    public const string Bytes = "retention.bytes";

    private const string None = "-1";

    public RetentionDefinition? Value { get; private set; } = value;

    public string MillisecondsText => Value?.Age is { } age ? ((long)age.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) : None;

    public string BytesText => Value?.Bytes is { } bytes ? bytes.ToString(CultureInfo.InvariantCulture) : None;

    /// <param name="text">Null, or -1, takes the bound away.</param>
    /// <returns>Null, or a sentence that says what is wrong.</returns>
    public string? Set(string name, string? text)
    {
        if (name is not (Milliseconds or Bytes))
        {
            return $"Of the configuration {Milliseconds} and {Bytes} can be set; {name} cannot.";
        }

        long number = -1;
        if (text is not null && !(long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) && number is -1 or > 0))
        {
            return $"{name} is a number above 0, or -1; it is '{text}'.";
        }

        bool isAge = name == Milliseconds;
        if (number == -1)
        {
            Value = (isAge ? Value?.Age is not null : Value?.Bytes is not null) ? null : Value;
            return null;
        }

        if (isAge ? Value?.Bytes is not null : Value?.Age is not null)
        {
            return $"A stream is kept by age or by size: {Milliseconds} and {Bytes} cannot both be set.";
        }

        long most = isAge ? TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond : RetentionDefinition.MaxBytes;
        if (number > most)
        {
            return $"{name} is at most {most}.";
        }

        Value = isAge ? new RetentionDefinition(TimeSpan.FromMilliseconds(number), null) : new RetentionDefinition(null, number);
        return null;
    }
}
