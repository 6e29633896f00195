"""Learners that read images, a file for each, and what they alone share; no encoder and no generator."""
