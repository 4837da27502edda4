namespace Weir.Engine;

/// <summary>Waiting for several answers.</summary>
internal static class Pending
{
    /// <summary>
    /// As <see cref="Task.WhenAll(IEnumerable{Task})"/>: ends when all have ended, and throws the first failure. Only what is awaited here is continued
    /// in the caller's context and never on the pool, where a simulator would not see it.
    /// </summary>
    public static async Task AllAsync(IEnumerable<Task> tasks)
    {
        Task[] all = [.. tasks];
        foreach (Task one in all)
        {
            await one.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        foreach (Task one in all)
        {
            await one;
        }
    }
}
