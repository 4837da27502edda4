using System.Globalization;
using System.Text;
using Weir.Engine;
using Weir.Server.Configuration;

namespace Weir.Server;

/// <summary>What <c>weir serve</c> prints when it is ready: where everything is, in at most <see cref="MaxLines"/> lines.</summary>
internal static class Banner
{
    public const int MaxLines = 12;

    private const int ShownViews = 3;

    public static string Of(WeirConfiguration configuration, WeirNode node, Uri address, int kafkaPort, TimeSpan took)
    {
        var text = new StringBuilder();
        string version = typeof(Banner).Assembly.GetName().Version?.ToString(3) ?? "";
        text.Append(CultureInfo.InvariantCulture, $" Weir {version} · data: {configuration.DataDirectory} · {Environment.ProcessorCount} cores · ready in {took.TotalSeconds:0.00} s\n");
        text.Append(CultureInfo.InvariantCulture, $" ├─ Overview  {address}\n");
        foreach (View view in node.Views.Take(ShownViews))
        {
            text.Append(CultureInfo.InvariantCulture, $" ├─ Live      {address}live/{view.Name}\n");
        }

        if (node.Views.Count > ShownViews)
        {
            text.Append(CultureInfo.InvariantCulture, $" ├─           and {node.Views.Count - ShownViews} more views\n");
        }

        string first = node.Streams.Count == 0 ? "{stream}" : node.Streams[0].Name;
        text.Append(CultureInfo.InvariantCulture, $" ├─ Events    POST {address}v1/streams/{first}/events\n");
        if (kafkaPort != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" ├─ Kafka     {address.Host}:{kafkaPort}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $" └─ Metrics   {address}metrics\n");
        return text.ToString();
    }
}
