"""The benchmarks of time and memory: on tables of usual size, and as rows grow. Scores belong beside this folder."""
