"""Generators of time series, each a file with what only series need beside it; no learner and no encoder."""
