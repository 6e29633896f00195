"""Work sent to several processes or machines with Dask: connecting, checking, sending; no work of its own."""
