"""The benchmark of gain against rows and cost; nothing that other benchmarks use."""
