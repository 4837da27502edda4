using System.Text.Json;

namespace Weir.Engine.Tests.Views;

/// <summary>A live subscriber as a client would write it: keeps rows by their key columns, applies frames.</summary>
internal sealed class LiveClient(ReadModel model, string? lastId = null)
{
    private readonly LiveSubscription _subscription = model.Subscribe(lastId);
    private readonly Dictionary<string, string> _rows = [];
    private string[] _key = [];
    private LiveFrame? _last;

    public int Snapshots { get; private set; }

    public int Frames { get; private set; }

    public LiveFrame Last => _last ?? throw new InvalidOperationException("Nothing was read.");

    /// <summary>Reads every frame that is there.</summary>
    public void Read()
    {
        while (true)
        {
            ValueTask<LiveFrame> next = _subscription.NextAsync(new CancellationToken(canceled: true));
            if (!next.IsCompletedSuccessfully)
            {
                Assert.True(next.IsCanceled);
                return;
            }

            _last = next.Result;
            Frames++;
            Snapshots += _last.IsSnapshot ? 1 : 0;
            Apply(_last);
        }
    }

    /// <summary>Applies the last frame a second time, which must change nothing.</summary>
    public void ReadAgain() => Apply(Last);

    public string Rows() => Normalise("[" + string.Join(',', _rows.Values) + "]");

    /// <summary>Rows in an order of their own, since frames have none.</summary>
    public static string Normalise(string rows)
    {
        using JsonDocument document = JsonDocument.Parse(rows);
        return string.Join('\n', document.RootElement.EnumerateArray().Select(row => row.GetRawText()).Order(StringComparer.Ordinal));
    }

    private void Apply(LiveFrame frame)
    {
        using JsonDocument document = JsonDocument.Parse(frame.Json);
        JsonElement root = document.RootElement;
        Assert.Equal(frame.Position.ToString(), root.GetProperty("position").GetString());
        if (frame.IsSnapshot)
        {
            _rows.Clear();
            _key = [.. root.GetProperty("key").EnumerateArray().Select(name => name.GetString()!)];
        }

        foreach (JsonElement row in root.GetProperty("rows").EnumerateArray())
        {
            _rows["[" + string.Join(',', _key.Select(column => row.GetProperty(column).GetRawText())) + "]"] = row.GetRawText();
        }

        foreach (JsonElement key in root.GetProperty("removed").EnumerateArray())
        {
            _rows.Remove(key.GetRawText());
        }
    }
}
