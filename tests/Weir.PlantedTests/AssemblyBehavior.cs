// Each of them keeps both processors busy.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
