namespace Weir.FuzzTests;

/// <summary>How much is tried: a short form in <c>./test</c>, a long one in <c>./test --full</c>.</summary>
internal static class Depth
{
    public static bool IsFull => Environment.GetEnvironmentVariable("WEIR_TEST_FULL") == "1";
}
