"""Texts of a language model behind an OpenAI-compatible address: asking, reading and bounding; no model runs here."""
