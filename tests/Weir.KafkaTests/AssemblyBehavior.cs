// Each client's class runs servers and clients of its own, which wait for each other half of the time: three at a time keep two cores busy.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
