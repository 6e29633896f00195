"""The benchmark of gain against rows, labels and cost; nothing that other benchmarks use."""
