"""The benchmark of utility, likeness and privacy of synthetic tables; nothing that a run of the loop needs."""
