"""Scores, intervals, thresholds, calibration and drift; decisions of the loop are made in `loop.cycle`."""
