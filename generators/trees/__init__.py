"""Generators built on decision trees, and their parts; no learners, those are in `learners`."""
