"""What others must be able to trust: audits, who is served worse, trails, forgetting; no part of the loop."""
