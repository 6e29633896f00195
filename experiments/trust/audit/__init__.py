"""Audit of a synthetic table against real ones: likeness, use and privacy. It measures and says; it changes no rows."""
