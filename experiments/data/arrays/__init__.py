"""Readers and writers of images, series and texts: a file for each kind, and how one is told from a table."""
