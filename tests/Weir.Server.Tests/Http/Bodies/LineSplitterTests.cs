using System.Text;
using Weir.Server.Http.Bodies;

namespace Weir.Server.Tests.Http.Bodies;

public sealed class LineSplitterTests
{
    private static readonly string[] Bodies =
    [
        "",
        "\n",
        "{}",
        "{}\n",
        "{\"a\":1}\n{\"b\":2}\n",
        "{\"a\":1}\r\n{\"b\":2}\r\n",
        "\n\n {\"a\":1} \n\t\r\n{\"b\":2}",
        "  \n  \n",
        "x\ny\n\nz",
        "{\"text\":\"ä€😀\"}\n{\"text\":\"\\n\"}\n",
    ];

    public static TheoryData<string> AllBodies => [.. Bodies];

    [Theory]
    [MemberData(nameof(AllBodies))]
    public void A_whole_body_gives_its_lines_that_are_not_blank(string body) => Assert.Equal(Expected(body), Split(Encoding.UTF8.GetBytes(body), cuts: []));

    [Theory]
    [MemberData(nameof(AllBodies))]
    public void A_body_cut_anywhere_gives_the_same_lines(string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(Expected(body), Split(bytes, [cut]));
        }
    }

    [Theory]
    [MemberData(nameof(AllBodies))]
    public void A_body_of_one_byte_per_read_gives_the_same_lines(string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        Assert.Equal(Expected(body), Split(bytes, [.. Enumerable.Range(1, bytes.Length)]));
    }

    // As the endpoint does: what is left of a piece begins the next one.
    private static List<string> Split(byte[] body, int[] cuts)
    {
        var lines = new List<string>();
        int begin = 0;
        foreach (int end in (int[])[.. cuts, body.Length])
        {
            var splitter = new LineSplitter(body.AsSpan(begin, end - begin), isLast: end == body.Length);
            while (splitter.TryRead(out ReadOnlySpan<byte> line))
            {
                lines.Add(Encoding.UTF8.GetString(line));
            }

            begin += splitter.Consumed;
        }

        Assert.Equal(body.Length, begin);
        return lines;
    }

    private static List<string> Expected(string body) => [.. body.Split('\n').Select(line => line.Trim(' ', '\t', '\r')).Where(line => line.Length > 0)];
}
