"""Configurations, their checks and the parts made from them; nothing is trained on the user's data here."""
