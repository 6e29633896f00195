"""The benchmark of gain against rows and labels; nothing that other benchmarks use."""
