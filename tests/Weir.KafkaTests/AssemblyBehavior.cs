// Each client's class runs servers and clients of its own; more than two at a time would only take the machine from each other.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
