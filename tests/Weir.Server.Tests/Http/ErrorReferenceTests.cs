using Weir.Server.Http;

namespace Weir.Server.Tests.Http;

public sealed class ErrorReferenceTests
{
    [Fact]
    public void The_page_is_what_the_table_says() => Page.MustBe("docs/reference/errors.md", ErrorReference.ToMarkdown());
}
