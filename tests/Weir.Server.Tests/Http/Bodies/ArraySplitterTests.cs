using System.Text;
using Weir.Server.Http.Bodies;

namespace Weir.Server.Tests.Http.Bodies;

public sealed class ArraySplitterTests
{
    [Theory]
    [InlineData("[]", "")]
    [InlineData(" [ ] ", "")]
    [InlineData("[{}]", "{}")]
    [InlineData("[{\"a\":[1,2]} , {\"b\":\"],[\"}]\n", "{\"a\":[1,2]}|{\"b\":\"],[\"}")]
    [InlineData("[1,\"x,\\\"y\",null,[{}]]", "1|\"x,\\\"y\"|null|[{}]")]
    [InlineData("[{\"a\":NaN},{\"b\":1e400}]", "{\"a\":NaN}|{\"b\":1e400}")]
    [InlineData("[{\"a\":\"\\\\\"},{}]", "{\"a\":\"\\\\\"}|{}")]
    public void Elements_come_one_by_one_whatever_they_hold(string body, string elements)
    {
        (List<string> found, string? fault) = Split(body);
        Assert.Null(fault);
        Assert.Equal(elements, string.Join('|', found));
    }

    [Theory]
    [InlineData("", "does not begin with [")]
    [InlineData("{}", "does not begin with [")]
    [InlineData("[", "does not end, at byte 1")]
    [InlineData("[{}", "does not end")]
    [InlineData("[{},", "does not end")]
    [InlineData("[{},]", "an element is missing, at byte 4")]
    [InlineData("[,{}]", "an element is missing, at byte 1")]
    [InlineData("[{}}", "expected a comma or ], at byte 3")]
    [InlineData("[{}] {}", "something follows the array, at byte 5")]
    [InlineData("[\"abc]", "does not end")]
    public void What_is_no_array_is_told_with_its_place(string body, string says) =>
        Assert.Contains(says, Split(body).Fault, StringComparison.Ordinal);

    [Fact]
    public void An_array_can_be_taken_up_again_after_each_element()
    {
        byte[] body = " [ {\"a\":1}, {\"b\":2} , 3 ] "u8.ToArray();
        var found = new List<string>();
        int at = 0;
        while (at < body.Length)
        {
            var splitter = new ArraySplitter(body, at);
            if (splitter.TryRead(out ReadOnlySpan<byte> element))
            {
                found.Add(Encoding.UTF8.GetString(element));
            }

            at = splitter.Consumed;
        }

        Assert.Equal(["{\"a\":1}", "{\"b\":2}", "3"], found);
    }

    [Theory]
    [InlineData("{}", true, BodyForm.Object)]
    [InlineData("{\n\"a\":\n1}\n ", true, BodyForm.Object)]
    [InlineData("{}\n{}", true, BodyForm.Lines)]
    [InlineData("{}{}", true, BodyForm.Lines)]
    [InlineData("{\"a\":", true, BodyForm.Object)]
    [InlineData("{\"a\":\n{}\n", true, BodyForm.Lines)]
    [InlineData("{}\n", false, BodyForm.Lines)]
    [InlineData(" [1]", true, BodyForm.Array)]
    [InlineData("a=b", true, BodyForm.Unsupported)]
    [InlineData(" \n", true, BodyForm.Lines)]
    internal void An_undeclared_body_is_guessed_from_its_beginning(string body, bool isWhole, BodyForm form) =>
        Assert.Equal(form, BodyForms.Guess(Encoding.UTF8.GetBytes(body), isWhole));

    private static (List<string> Elements, string? Fault) Split(string body)
    {
        var splitter = new ArraySplitter(Encoding.UTF8.GetBytes(body), start: 0);
        var found = new List<string>();
        while (splitter.TryRead(out ReadOnlySpan<byte> element))
        {
            found.Add(Encoding.UTF8.GetString(element));
        }

        return (found, splitter.Fault);
    }
}
