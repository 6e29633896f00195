"""Forgetting rows: the run repeated without them, and what still holds them or derives from them."""
