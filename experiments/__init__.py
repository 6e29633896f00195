"""Puts the parts together for users: the only package that knows all others; no part of the loop itself."""
