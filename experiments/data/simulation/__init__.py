"""Simulated card payments with planted weak regions; nothing of real data."""
