"""Comparisons of strategies over sources and seeds, with claims and figures; single runs are in `experiments.run`."""
