"""Learners of texts: a file for each, with what they share; an encoder belongs to learners/encoders."""
