"""What a loop brings on time series with rare classes, against oversampling, jitter and plain models; no data."""
