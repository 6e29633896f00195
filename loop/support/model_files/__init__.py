"""Checks of what a saved part is made of, before it or its library reads that: settings, arrays, trees."""
