"""What others must be able to trust: who is served worse, what leaks, trails, forgetting; no part of the loop."""
