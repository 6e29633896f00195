"""The benchmark of synthetic tables as such; nothing that a run of the loop needs."""
