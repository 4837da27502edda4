namespace Weir.Engine;

/// <summary>
/// Sends a round's acknowledgements to the pool: requests of few events several at a time, because answering one costs less than waking a thread
/// for it; others, which may go on to read and check a megabyte, each by itself. Owned by the writer thread.
/// </summary>
internal sealed class Acknowledgements
{
    private const int SmallRequestEvents = 16;
    private const int Together = 16;

    private List<IngestBatch> _small = [];

    public void Add(IngestBatch batch)
    {
        if (batch.Count > SmallRequestEvents)
        {
            ThreadPool.UnsafeQueueUserWorkItem(batch, preferLocal: false);
            return;
        }

        _small.Add(batch);
        if (_small.Count == Together)
        {
            Send();
        }
    }

    public void Send()
    {
        if (_small.Count > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(new Group(_small), preferLocal: false);
            _small = new List<IngestBatch>(Together);
        }
    }

    private sealed class Group(List<IngestBatch> batches) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            foreach (IngestBatch batch in batches)
            {
                batch.Finish();
            }
        }
    }
}
