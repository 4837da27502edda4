using System.Text;
using System.Text.Json.Nodes;
using Weir.Cli.Bench;
using Weir.Cli.Demo;
using Weir.Cli.Load;

namespace Weir.Cli.Tests;

public sealed class VoteBodyTests
{
    [Theory]
    [InlineData(0UL, "00000000")]
    [InlineData(7UL, "00000007")]
    [InlineData(12345678UL, "12345678")]
    [InlineData(99999999UL, "99999999")]
    [InlineData(123456789UL, "23456789")]
    public void Digits_have_a_fixed_width_and_lose_what_does_not_fit(ulong value, string expected)
    {
        var target = new byte[8];

        Digits.Write(target, value);

        Assert.Equal(expected, Encoding.ASCII.GetString(target));
    }

    [Fact]
    public void Every_vote_of_a_renewed_body_is_120_bytes_of_JSON_with_its_own_id()
    {
        var body = new VoteBody("votes", 1000, UserChoice.Random, seed: 1);
        body.Renew(first: 5000);
        string[] lines = Encoding.ASCII.GetString(body.Body).TrimEnd('\n').Split('\n');

        Assert.Equal(1000, lines.Length);
        Assert.All(lines, line => Assert.Equal(VoteBody.VoteBytes, line.Length));
        Assert.Equal(Enumerable.Range(5000, 1000), lines.Select(line => int.Parse(JsonNode.Parse(line)!["id"]!.ToString(), System.Globalization.CultureInfo.InvariantCulture)));
        Assert.True(lines.Select(line => JsonNode.Parse(line)!["user"]!.ToString()).Distinct().Count() > 990);
    }

    [Fact]
    public void Distinct_users_do_not_meet_below_100_million()
    {
        var body = new VoteBody("votes", 10_000, UserChoice.Distinct, seed: 1);
        var users = new HashSet<string>();
        for (ulong first = 0; first < 200_000; first += 10_000)
        {
            body.Renew(first);
            foreach (string line in Encoding.ASCII.GetString(body.Body).TrimEnd('\n').Split('\n'))
            {
                Assert.True(users.Add(JsonNode.Parse(line)!["user"]!.ToString()));
            }
        }
    }

    [Fact]
    public void A_body_of_one_is_one_object_and_the_head_says_its_length()
    {
        var body = new VoteBody("votes", 1, UserChoice.Random, seed: 1);
        string request = Encoding.ASCII.GetString(body.Request);

        Assert.Contains($"Content-Length: {VoteBody.VoteBytes}\r\n", request, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/json\r\n", request, StringComparison.Ordinal);
        Assert.NotNull(JsonNode.Parse(request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]));
    }

    [Fact]
    public void Votes_of_the_demo_are_JSON_that_is_the_same_whenever_it_is_written()
    {
        var line = new byte[DemoVotes.MaxLineBytes];
        var choices = new HashSet<string>();
        for (int number = 0; number < 10_000; number++)
        {
            int length = DemoVotes.WriteVote(line, number);
            JsonNode vote = JsonNode.Parse(line.AsSpan(0, length))!;
            Assert.Equal((byte)'\n', line[length - 1]);
            Assert.Equal(number, vote["nr"]!.GetValue<int>());
            Assert.Equal(DemoVotes.Choices[DemoVotes.ChoiceOf(number)], vote["choice"]!.ToString());
            choices.Add(vote["choice"]!.ToString());

            int second = DemoVotes.WriteSecondVote(line, id: 1, number);
            JsonNode other = JsonNode.Parse(line.AsSpan(0, second))!;
            Assert.Equal(vote["user"]!.ToString(), other["user"]!.ToString());
            Assert.NotEqual(vote["choice"]!.ToString(), other["choice"]!.ToString());
            Assert.NotEqual(vote["id"]!.ToString(), other["id"]!.ToString());
        }

        Assert.Equal(DemoVotes.Choices.Length, choices.Count);
    }
}
