"""Checks of models that other libraries wrote, before those libraries read them; nothing is loaded here."""
