"""Generators of images, a file for each, and what they alone share; no learner and no encoder."""
