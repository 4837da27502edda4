namespace Weir.Cli.Tests;

/// <summary>Completes <see cref="Found"/> once a text was written and flushed.</summary>
internal sealed class WaitingWriter(string wanted) : StringWriter
{
    private readonly TaskCompletionSource _found = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Found => _found.Task;

    public override void Flush()
    {
        if (ToString().Contains(wanted, StringComparison.Ordinal))
        {
            _found.TrySetResult();
        }
    }
}
