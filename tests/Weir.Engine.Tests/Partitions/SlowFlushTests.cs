using Weir.Core;
using Weir.Storage;

namespace Weir.Engine.Tests;

/// <summary>A partition whose flushes take long, beside another one of the same writer thread.</summary>
public sealed class SlowFlushTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_partition_whose_flushes_are_slow_does_not_hold_up_another_one_of_its_writer_thread()
    {
        using var disk = new SlowFlushDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(
            directory => new NodeOptions { DataDirectory = directory, WriterThreads = 1, PublishInterval = TimeSpan.FromMilliseconds(10) },
            disk: disk);
        EventStream slow = await fixture.DefineAsync("slow", """{"partitions":1,"id":"id"}""");
        EventStream other = await fixture.DefineAsync("other", """{"partitions":1,"id":"id"}""");

        // One slow flush has to be met to be known. The next one takes until the other stream has been answered.
        disk.SlowPath = "slow-";
        Assert.Equal(1, (await NodeFixture.SendAsync(slow, """{"id":"1"}""")).Counted);
        disk.Hold();
        Task<IngestTotals> waiting = NodeFixture.SendAsync(slow, """{"id":"2"}""");
        try
        {
            await disk.Held.WaitAsync(Patience, TestContext.Current.CancellationToken);
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(1, (await NodeFixture.SendAsync(other, $$"""{"id":"{{i}}"}""").WaitAsync(Patience, TestContext.Current.CancellationToken)).Counted);
            }

            Assert.False(waiting.IsCompleted);
        }
        finally
        {
            disk.Release();
        }

        Assert.Equal(1, (await waiting).Counted);
    }

    /// <summary>The real disk, on which flushes of some files take 50 ms, or until they are released.</summary>
    private sealed class SlowFlushDisk : IDisk, IDisposable
    {
        private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(50);

        private readonly ManualResetEventSlim _released = new(initialState: true);
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? SlowPath { get; set; }

        /// <summary>Completes when a flush is held.</summary>
        public Task Held => _held.Task;

        public void Hold() => _released.Reset();

        public void Release() => _released.Set();

        public IDiskFile OpenFile(string path, FileOpen mode) => new File(this, path, LinuxDisk.Instance.OpenFile(path, mode));

        public bool FileExists(string path) => LinuxDisk.Instance.FileExists(path);

        public void Delete(string path) => LinuxDisk.Instance.Delete(path);

        public void Rename(string from, string to) => LinuxDisk.Instance.Rename(from, to);

        public void CreateDirectory(string path) => LinuxDisk.Instance.CreateDirectory(path);

        public void DeleteDirectory(string path) => LinuxDisk.Instance.DeleteDirectory(path);

        public void SyncDirectory(string path) => LinuxDisk.Instance.SyncDirectory(path);

        public IReadOnlyList<string> List(string directory) => LinuxDisk.Instance.List(directory);

        public long FreeBytes(string path) => LinuxDisk.Instance.FreeBytes(path);

        public IDisposable Lock(string path) => LinuxDisk.Instance.Lock(path);

        public void Dispose()
        {
            _released.Set();
            _released.Dispose();
        }

        private void BeforeFlush(string path)
        {
            if (SlowPath is null || !path.Contains(SlowPath, StringComparison.Ordinal))
            {
                return;
            }

            Thread.Sleep(Slow);
            if (!_released.IsSet)
            {
                _held.TrySetResult();
                _released.Wait();
            }
        }

        private sealed class File(SlowFlushDisk disk, string path, IDiskFile file) : IDiskFile
        {
            public long Length => file.Length;

            public int Read(long filePosition, Span<byte> buffer) => file.Read(filePosition, buffer);

            public void Write(long filePosition, ReadOnlySpan<byte> bytes) => file.Write(filePosition, bytes);

            public void Flush()
            {
                disk.BeforeFlush(path);
                file.Flush();
            }

            public void Truncate(long length) => file.Truncate(length);

            public void Dispose() => file.Dispose();
        }
    }
}
