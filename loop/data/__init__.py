"""The schema of a table, its encoding and its splits; no files are read and nothing is fitted to labels."""
