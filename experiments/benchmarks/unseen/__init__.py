"""The benchmark of frauds that training has never shown, stated by a rule book; nothing that other benchmarks use."""
