"""Tables by name, from files or simulated; no splits and no encoding, those are in `loop.data`."""
