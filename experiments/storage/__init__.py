"""Folders of runs, saved models and cached results on disk; no reports or figures are made here."""
