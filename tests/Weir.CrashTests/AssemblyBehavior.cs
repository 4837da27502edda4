// Each test runs server processes of its own; side by side they would only take the machine from each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
