// Allocation and memory are measured here, and a busy neighbour would be measured with them.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
