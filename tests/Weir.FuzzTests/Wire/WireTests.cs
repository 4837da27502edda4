using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Weir.Server.Tests.Support;
using Weir.TestKit;

namespace Weir.FuzzTests.Wire;

/// <summary>Raw connections to the HTTP port: after each attack the server serves as before, and the log holds what was rightly sent and nothing else.</summary>
public sealed partial class WireTests
{
    private const long MostGrowthBytes = 256L << 20;

    /// <summary>Half requests that hold their connection at the same time.</summary>
    private const int SlowConnections = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task After_each_attack_the_server_serves_and_counts_what_was_rightly_sent_and_nothing_else()
    {
        await using TestServer server = await StartAsync();
        int rounds = TestScale.WireRounds;
        long memory = Environment.WorkingSet;
        long growth = 0, connections = 0;
        var wrong = new List<string>();
        for (int round = 0; round < rounds; round++)
        {
            foreach (Attack attack in Attack.All)
            {
                long before = await EventsAsync(server);
                (List<int> answers, string fault) = await SendAsync(server, attack);
                connections++;
                if (fault.Length > 0 || !MayAnswer(attack, answers))
                {
                    wrong.Add($"{attack.Name}: answered {string.Join(", ", answers)}, expected {string.Join(" ", attack.Answers)}. {fault}");
                }

                // A request that was cut off behind its body may be decided after its client is gone; what is left of it is never an event.
                Answer sent = await server.PostAsync("/v1/streams/wire/events", """{"a":2}""");
                long after = await EventsAsync(server);
                if (sent.Status != HttpStatusCode.OK || (attack.Counted >= 0 && after != before + attack.Counted + 1))
                {
                    wrong.Add($"{attack.Name}: {after - before - 1} events instead of {attack.Counted}; then {sent}");
                }

                growth = Math.Max(growth, Environment.WorkingSet - memory);
            }
        }

        Console.WriteLine(FormattableString.Invariant($"wire: {Attack.All.Count} attacks, {connections} connections, memory grew by {growth / 1_048_576.0:0.0} MiB at most"));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Distinct()));
        Assert.True(growth < MostGrowthBytes, $"{growth} bytes");
    }

    [Fact]
    public async Task Slow_bodies_hold_up_nobody_and_are_ended_by_the_server()
    {
        await using TestServer server = await StartAsync();
        var slow = new List<TcpClient>();
        try
        {
            for (int i = 0; i < SlowConnections; i++)
            {
                TcpClient client = await ConnectAsync(server);
                slow.Add(client);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST /v1/streams/wire/events HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"a\":"));
            }

            Assert.Equal(HttpStatusCode.OK, (await server.PostAsync("/v1/streams/wire/events", """{"a":1}""")).Status);
            await Parallel.ForEachAsync(slow, async (client, cancellation) => await ReadToEndAsync(client.GetStream()));
            Assert.Equal(1, await EventsAsync(server));
        }
        finally
        {
            slow.ForEach(client => client.Dispose());
        }
    }

    private static async Task<TestServer> StartAsync()
    {
        TestServer server = await TestServer.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await server.PutAsync("/v1/streams/wire", """{"partitions":1}""")).Status);
        Assert.True((await server.PutAsync("/v1/views/all", """{"sql":"SELECT count(*) FROM wire"}""")).Message.IsSuccessStatusCode);
        return server;
    }

    /// <summary>The expected answers in their order, or the one of several that may come; where the client hung up, as many of them as it saw.</summary>
    private static bool MayAnswer(Attack attack, List<int> answers) =>
        attack.HangsUp
            ? answers.All(answer => answer is 101 or (>= 200 and < 300) or (>= 400 and < 500))
            : answers.SequenceEqual(attack.Answers) || (answers.Count == 1 && attack.Answers.Contains(answers[0]) && attack.Counted <= 0);

    private static async Task<long> EventsAsync(TestServer server) =>
        (await server.GetAsync("/v1/streams/wire")).Json["partitions"]![0]!["log_end"]!.GetValue<long>() - 1;

    private static async Task<(List<int> Answers, string Fault)> SendAsync(TestServer server, Attack attack)
    {
        using TcpClient client = await ConnectAsync(server);
        NetworkStream stream = client.GetStream();
        try
        {
            if (attack.IsSplit)
            {
                foreach (byte one in attack.Bytes)
                {
                    await stream.WriteAsync(new[] { one });
                }
            }
            else
            {
                await stream.WriteAsync(attack.Bytes);
            }

            if (attack.HangsUp)
            {
                client.Client.Shutdown(SocketShutdown.Send);
            }

            return ([.. StatusLine().Matches(await ReadToEndAsync(stream)).Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))], "");
        }
        catch (Exception reset) when (reset is IOException or SocketException)
        {
            // The server closed while bytes were still on their way to it; an answer may be lost with them.
            return ([.. attack.Answers], "");
        }
        catch (OperationCanceledException)
        {
            return ([], $"The connection is still open after {Patience.TotalSeconds} s.");
        }
    }

    private static async Task<string> ReadToEndAsync(NetworkStream stream)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer, patience.Token);
        }
        catch (IOException) when (answer.Length > 0)
        {
            // Answered, then reset.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static async Task<TcpClient> ConnectAsync(TestServer server)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, server.Host.Address.Port);
        return client;
    }

    [GeneratedRegex(@"HTTP/1\.1 (\d{3}) ")]
    private static partial Regex StatusLine();
}
