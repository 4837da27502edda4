using System.Globalization;
using System.Text;

namespace Weir.Cli.Bench;

/// <summary>The run as a picture: what was taken of what was offered, and how long it took, second by second.</summary>
internal static class OverloadCurve
{
    private const int Width = 960;
    private const int Left = 70;
    private const int PanelHeight = 190;
    private const int Gap = 46;
    private const int Top = 48;

    /// <param name="path">Where to; null: nowhere.</param>
    public static void Write(string? path, IReadOnlyList<OverloadPhase> phases, int batch)
    {
        if (path is not null)
        {
            File.WriteAllText(path, Draw(phases, batch));
        }
    }

    internal static string Draw(IReadOnlyList<OverloadPhase> phases, int batch)
    {
        double total = phases.Sum(phase => Math.Max(1, phase.Seconds.Count));
        double peak = phases[0].TakenPerSecond * batch;
        double scale = (Width - Left - 10) / total;
        double mostTaken = 1.25 * Math.Max(1, phases.Max(phase => phase.Seconds.Select(second => second.Count * batch).DefaultIfEmpty().Max()));
        double mostMs = Math.Max(10, phases.Max(phase => phase.Seconds.Select(second => second.Percentile(0.99).TotalMilliseconds).DefaultIfEmpty().Max()));
        int second = Top + PanelHeight + Gap;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {second + PanelHeight + 30}" font-family="system-ui, sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="{Left}" y="16" fill="#222222">votes taken per second (dashed: 90 % of the peak of {peak:N0})</text>
            <text x="{Left}" y="{second - 8}" fill="#222222">p99 of those that were taken, ms, by a scale of powers of ten</text>

            """);
        double x = Left;
        for (int i = 0; i < phases.Count; i++)
        {
            double width = Math.Max(1, phases[i].Seconds.Count) * scale;
            string band = i % 2 == 0 ? "#eef2f6" : "#f8fafc";
            svg.Append(CultureInfo.InvariantCulture, $"""
                <rect x="{x:0.#}" y="{Top}" width="{width:0.#}" height="{PanelHeight}" fill="{band}"/><rect x="{x:0.#}" y="{second}" width="{width:0.#}" height="{PanelHeight}" fill="{band}"/>
                <text x="{x + 2:0.#}" y="{(i % 2 == 0 ? 32 : 44)}" fill="#555555" font-size="10">{phases[i].Plan.Name}</text>

                """);
            Bars(svg, phases[i], x, scale, second, batch, mostTaken, mostMs);
            x += width;
        }

        double line = Y(Top, 0.9 * peak / mostTaken);
        svg.Append(CultureInfo.InvariantCulture, $"""
            <line x1="{Left}" x2="{Width - 10}" y1="{line:0.#}" y2="{line:0.#}" stroke="#b3261e" stroke-dasharray="5 4"/>
            <text x="{Left - 6}" y="{Y(Top, peak / mostTaken):0.#}" text-anchor="end" fill="#222222">{peak / 1e6:0.00}M</text>
            <text x="{Left - 6}" y="{Top + PanelHeight}" text-anchor="end" fill="#222222">0</text>

            """);
        for (double ms = 1; ms <= mostMs; ms *= 10)
        {
            double at = Y(second, Log(ms, mostMs));
            svg.Append(CultureInfo.InvariantCulture, $"""
                <line x1="{Left}" x2="{Width - 10}" y1="{at:0.#}" y2="{at:0.#}" stroke="#c8ced6" stroke-width="0.5"/><text x="{Left - 6}" y="{at + 4:0.#}" text-anchor="end" fill="#222222">{ms:0}</text>

                """);
        }

        svg.Append(CultureInfo.InvariantCulture, $"""
            <text x="{Width - 10}" y="{second + PanelHeight + 18}" text-anchor="end" fill="#555555">{total:0} seconds, one bar each</text>
            </svg>

            """);
        return svg.ToString();
    }

    private static void Bars(StringBuilder svg, OverloadPhase phase, double x, double scale, int second, int batch, double mostTaken, double mostMs)
    {
        for (int i = 0; i < phase.Seconds.Count; i++)
        {
            double at = x + (i * scale);
            double taken = Y(Top, phase.Seconds[i].Count * batch / mostTaken);
            double late = Y(second, Log(phase.Seconds[i].Percentile(0.99).TotalMilliseconds, mostMs));
            svg.Append(CultureInfo.InvariantCulture, $"""
                <rect x="{at:0.##}" y="{taken:0.#}" width="{scale * 0.85:0.##}" height="{Top + PanelHeight - taken:0.#}" fill="#2f6f9f"/><rect x="{at:0.##}" y="{late:0.#}" width="{scale * 0.85:0.##}" height="{second + PanelHeight - late:0.#}" fill="#8a6d3b"/>

                """);
        }
    }

    private static double Y(int top, double share) => top + (PanelHeight * (1 - Math.Clamp(share, 0, 1)));

    private static double Log(double ms, double mostMs) => Math.Log10(Math.Max(1, ms)) / Math.Log10(Math.Max(10, mostMs) * 1.2);
}
