"""The search over the loop's own choices; no search within a learner, that is in `experiments.arms`."""
