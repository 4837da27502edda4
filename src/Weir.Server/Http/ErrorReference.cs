using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Server.Http;

/// <summary>Writes docs/reference/errors.md from <see cref="WeirErrors"/>; a test holds that the page is what this gives.</summary>
public static class ErrorReference
{
    private const string Head = """
        # Errors

        <!-- Generated from src/Weir.Core/WeirErrors.cs. Edit there; the test of Weir.Server.Tests says how to write this page anew. -->

        Every error has one code, over HTTP, on the command line and in logs; `weir errors WEIR-1203` explains it offline. Numbers are never reused.

        Over HTTP an error is a problem document (RFC 9457), `application/problem+json`:

        ```json
        {"type":"urn:weir:error:1401","title":"There is no stream of that name.","status":404,
         "detail":"There is no stream `vote`.","instance":"/v1/streams/vote/events","code":"WEIR-1401",
         "remedy":"`weir streams` lists them; …","retryable":false,"traceId":"0HN…"}
        ```

        Single events of a body do not fail the request: the answer lists each with its `index`, its `code` and a `reason`, and the others are taken.
        *Retry* says whether the same request can succeed later without anybody changing anything. Send it again **with the same ids**: it is counted once.


        """;

    private static readonly (int From, string Title)[] Sections =
        [(1000, "Requests and events"), (2000, "Views and SQL"), (3000, "Configuration"), (4000, "Capacity and availability"), (5000, "Storage")];

    public static string ToMarkdown()
    {
        var page = new StringBuilder(Head);
        for (int i = 0; i < Sections.Length; i++)
        {
            int from = Sections[i].From;
            page.Append(i == 0 ? "" : "\n").Append("## ").Append(Sections[i].Title).Append("\n\n| code | status | retry | what is wrong | what to do |\n|---|---|---|---|---|\n");
            foreach (ErrorInfo error in WeirErrors.All.Where(error => (int)error.Code / 1000 * 1000 == from))
            {
                page.Append(CultureInfo.InvariantCulture, $"| `{error.Name}` | {error.Status} | {(error.IsRetryable ? "yes" : "no")} | {error.Sentence} | {error.Remedy} |\n");
            }
        }

        return page.ToString();
    }
}
