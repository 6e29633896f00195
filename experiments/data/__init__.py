"""Tables from files, named sources and simulations, and their splits; columns are encoded by `loop.data`."""
