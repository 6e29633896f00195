"""Generators that protect the rows they are fitted on: noise, its accounting, and what noisy counts tell. No rows."""
