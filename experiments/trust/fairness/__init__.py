"""Groups of people: guarded by the loop, and how each fares; nothing that knows other kinds of regions."""
