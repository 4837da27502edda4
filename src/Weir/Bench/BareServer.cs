using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Weir.Cli.Bench;

/// <summary>
/// The yardstick of `weir bench single`: the bare web server, which reads the same request and answers the same bytes, and does nothing
/// in between. It runs as a process of its own, as the server under test does.
/// </summary>
internal static class BareServer
{
    // As long as the answer of Weir to one counted vote, header and all.
    private const string Answer =
        """{"counted":1,"replaced":0,"duplicate":0,"taken":0,"closed":0,"invalid":0,"refused":0,"unknown":0,"position":"votes:0=1234567,1=1234567,2=1234567,3=1234567","verdicts":[]}""";

    private const string Position = "votes:0=1234567,1=1234567,2=1234567,3=1234567";

    /// <summary>Serves until cancelled.</summary>
    public static async Task RunAsync(int port, CancellationToken cancel)
    {
        byte[] answer = Encoding.ASCII.GetBytes(Answer);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        builder.Logging.ClearProviders();
        await using WebApplication server = builder.Build();
        server.Run(async context =>
        {
            PipeReader reader = context.Request.BodyReader;
            while (true)
            {
                ReadResult read = await reader.ReadAsync();
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            HttpResponse response = context.Response;
            response.ContentType = "application/json";
            response.ContentLength = answer.Length;
            response.Headers["Weir-Position"] = Position;
            response.BodyWriter.Write(answer);
        });
        await server.StartAsync(cancel);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"listening on {port}"));
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        }
        catch (OperationCanceledException)
        {
            await server.StopAsync(CancellationToken.None);
        }
    }
}
