"""The benchmark of one comparison in threads and on Dask's workers; the work itself is that of every comparison."""
