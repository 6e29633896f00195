"""The search over settings of the loop and its parts; the tuned learner without a loop is in `experiments.arms`."""
