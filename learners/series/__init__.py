"""Learners of time series, each a file with what only series need beside it; no encoder and no generator."""
