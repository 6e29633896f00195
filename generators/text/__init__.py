"""Generators of texts: a file or a folder for each, with what they share; what reads texts belongs to learners/text."""
