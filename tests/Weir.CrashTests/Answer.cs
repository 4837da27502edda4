using System.Text;

namespace Weir.CrashTests;

/// <summary>The answer to one POST of events, asked for with every verdict.</summary>
internal sealed record Answer(int Status, IReadOnlyList<Outcome> Outcomes, string Text)
{
    public static Answer Read(int status, string text)
    {
        var outcomes = new List<Outcome>();
        AnswerReader.Read(Encoding.UTF8.GetBytes(text), outcomes);
        return new Answer(status, outcomes, text);
    }
}
