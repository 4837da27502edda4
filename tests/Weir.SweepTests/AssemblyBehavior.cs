// Each sweep opens hundreds of stores a second; side by side they would only take the machine from each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
