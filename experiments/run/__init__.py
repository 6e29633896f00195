"""One run from data to delivered model and artifacts; no comparison of runs."""
