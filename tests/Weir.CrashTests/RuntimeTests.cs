namespace Weir.CrashTests;

/// <summary>The runtime that the tests, and therefore the server under test, run on.</summary>
public sealed class RuntimeTests(ITestOutputHelper output)
{
    // 10.0.13 mends denials of service in the web server (CVE-2026-96236 and others).
    private static readonly Version FirstMended = new(10, 0, 13);

    [Fact]
    public void The_runtimes_version_is_shown_and_a_warning_given_when_it_lacks_security_fixes()
    {
        output.WriteLine($"runtime {Environment.Version}");
        if (Environment.Version < FirstMended)
        {
            TestContext.Current.AddWarning($"This runtime is {Environment.Version}; {FirstMended} and later mend known vulnerabilities. A release is built on a newer one.");
        }

        Assert.Equal(10, Environment.Version.Major);
    }
}
