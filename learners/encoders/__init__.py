"""Encoders: a file for each kind of array that rows hold, which makes a few columns of it; no learner among them."""
