"""What others must be able to trust: who is served worse, what leaks, where rows come from; no part of the loop."""
