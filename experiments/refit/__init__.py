"""A finished run's learner fitted on all rows of a folder of Parquet files, of which the run had a sample; no run."""
