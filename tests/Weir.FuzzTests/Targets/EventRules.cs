using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Recount;
using static Weir.FuzzTests.Targets.LogTargets;

namespace Weir.FuzzTests.Targets;

/// <summary>One stream's rules as the engine applies them when an event arrives and when it is replayed, and as the recount applies them. They must agree.</summary>
internal sealed class EventRules
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 16).Select(n => (byte)n)];

    private readonly StreamPlan _plan;
    private readonly Recount.Admission _admission;
    private readonly EventScratch _scratch = new();
    private readonly RecordBatchWriter _writer = new();
    private readonly ColumnBatch _replayed = new();

    public EventRules(string definition)
    {
        _plan = StreamPlan.For(StreamDefinition.Parse(Encoding.UTF8.GetBytes(definition)), KeyedHash.FromBytes(Secret), ColumnSet.Empty);
        StreamRules rules = StreamRules.Read(Encoding.UTF8.GetBytes($$"""{"version":1,"definition":{{definition}},"secret":"{{Convert.ToHexStringLower(Secret)}}"}"""));
        var none = new Owners();
        _admission = new Recount.Admission(rules, static _ => { }, 0, 1, none, none, from: null);
    }

    /// <returns>Null: valid. Otherwise the engine's reason.</returns>
    /// <exception cref="DisagreementException">Not all say the same.</exception>
    public ErrorCode? Judge(byte[] value)
    {
        EventAnalysis analysis = default;
        ErrorCode? arriving = _plan.Analyze(value, default, 0, _scratch.Cells(_plan.Columns.Count), _scratch, ref analysis);
        byte[] key = arriving is null && analysis.KeyLength >= 0 ? _scratch.Key[..analysis.KeyLength] : [];

        _writer.Begin(timestampMs: 0);
        _writer.Append(hasKey: key.Length > 0, key, value);
        _plan.Extract(_writer.Finish().ToArray(), _replayed, _scratch);
        VerdictReason replayed = _replayed.Inputs[0].Invalid;
        Check(replayed == (arriving is { } code ? StreamPlan.ReasonOf(code) : VerdictReason.None), $"arriving {arriving?.ToString() ?? "valid"}, replayed {replayed}");

        Verdict recounted;
        try
        {
            _admission.TryDecide(
                new LoggedEvent { Json = value, HasValue = true, Key = key, HasKey = key.Length > 0, Headers = RecordHeaders.None, Offset = 1 },
                out recounted,
                out _);
        }
        catch (WeirException mismatch) when (mismatch.Code == ErrorCode.RecountMismatch)
        {
            throw new DisagreementException($"the engine says {arriving?.ToString() ?? "valid"}; {mismatch.Message}");
        }

        Check((recounted == Verdict.Counted) == arriving is null, $"the engine says {arriving?.ToString() ?? "valid"}, the recount {recounted}");
        return arriving;
    }
}
