"""Memory that a table has left behind: after a large file is read and encoded, more than the table itself."""

import ctypes
import sys


def give_back() -> None:
    """Return to the system what pyarrow and the C library keep for later use.

    glibc keeps freed blocks for as long as one behind them is in use; other systems return them by themselves.
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
