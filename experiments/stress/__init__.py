"""Stress of a model: does it catch, today, the patterns that a rule book states? Nothing is trained here."""
