using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>
/// I6, ReadsNeverGoBack: polls the views while processes come and go, and fails when a position, or a number that can only grow, is ever smaller than
/// it was read before.
/// </summary>
internal sealed class ViewWatcher(RestartingServer server)
{
    private readonly Dictionary<string, long[]> _positions = [];
    private readonly Dictionary<(string View, string Choice, string Column), decimal> _values = [];

    /// <summary>Answers read.</summary>
    public int Reads { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach ((string view, string stream, _) in Workload.Views)
            {
                // A process that is killed while it answers says nothing.
                try
                {
                    ServerApi api = await server.ApiAsync();
                    Check(view, stream, await api.GetAsync("v1/views/" + view));
                }
                catch (Exception broken) when (broken is HttpRequestException or IOException or ObjectDisposedException or TimeoutException)
                {
                    continue;
                }
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }

    private void Check(string view, string stream, JsonElement page)
    {
        Reads++;
        string text = page.GetProperty("position").GetString()!;
        long[] position = [.. text[(stream.Length + 1)..].Split(',').Select(part => long.Parse(part.Split('=')[1], System.Globalization.CultureInfo.InvariantCulture))];
        if (_positions.TryGetValue(view, out long[]? before))
        {
            Assert.True(before.Zip(position).All(pair => pair.First <= pair.Second), $"{view} was at {string.Join(',', before)} and is at {text}.");
        }

        _positions[view] = position;

        // A pick that is replaced moves from one choice to another; elsewhere nothing is ever taken away.
        if (view == "picked")
        {
            return;
        }

        Dictionary<string, JsonElement> rows = page.GetProperty("rows").EnumerateArray().ToDictionary(row => row.GetProperty("choice").GetString()!);
        foreach ((string ofView, string choice, _) in _values.Keys.Where(key => key.View == view))
        {
            Assert.True(rows.ContainsKey(choice), $"{ofView} no longer has a row for {choice}.");
        }

        foreach ((string choice, JsonElement row) in rows)
        {
            foreach (JsonProperty column in row.EnumerateObject().Where(column => column.Name != "choice"))
            {
                decimal value = Invariants.DecimalOf(column.Value);
                bool hasShrunk = _values.TryGetValue((view, choice, column.Name), out decimal seen) && value < seen;
                Assert.False(hasShrunk, $"{view}, {choice}: {column.Name} was {seen} and is {value}.");
                _values[(view, choice, column.Name)] = value;
            }
        }
    }
}
