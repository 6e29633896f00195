"""Small helpers for files, time, progress and threads; they use no domain types of the loop."""
