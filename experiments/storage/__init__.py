"""Folders of runs and cached results on disk; what the files mean is decided by their writers."""
