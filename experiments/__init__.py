"""Puts the parts together for users: the only package that imports all others; no part of the loop itself."""
