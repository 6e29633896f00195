"""Small helpers that know nothing of learning: files, time, progress, threads; no domain types of the loop."""
