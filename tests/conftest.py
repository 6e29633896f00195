"""One thread a fit in every test process: several test processes with several threads each wait for one another."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy loads, so before any test module; workers inherit it
