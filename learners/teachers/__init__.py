"""Learners that label for others, too costly to serve; no learner that is delivered by default."""
