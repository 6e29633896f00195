"""Warnings about a table and about scores, each with a name and a way out: told before work and beside the verdict."""
