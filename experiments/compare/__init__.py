"""Comparisons of strategies over sources and seeds, with claims and figures; no single runs."""
