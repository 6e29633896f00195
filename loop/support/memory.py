"""Memory: what says that there is too little, what is refused before it is asked for, and what is given back."""

import ctypes
import errno
import os
import re
import sys

from loop.errors import ConfigError, causes

COPIES = 3  # of rows at the same time, at least: proposals, what is drawn from them, and what a model makes of them

# XGBoost, LightGBM and CatBoost: bad_alloc; torch: can't allocate; the loader of libraries: failed to map segment.
_TOLD = re.compile(
    r"bad_?alloc|(?:can(?:no|')t|failed to|unable to) (?:allocate|map segment)|(?:out of|not enough) memory", re.I
)
_TELLING = {"RuntimeError", "XGBoostError", "LightGBMError", "CatBoostError", "ImportError", "OSError"}


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error, or one that it came from, says that memory was too little."""
    return any(_says_so(each) for each in causes(error))


def check_fits(what: str, rows: float, columns: int) -> None:
    """Raise ConfigError if rows of numbers cannot be held, whatever else there is in memory.

    Parameters
    ----------
    what : str
        Settings that ask for so many rows, for the message.
    rows : float
    columns : int
    """
    needed, all_there_is = 8.0 * COPIES * rows * columns, _memory()
    if needed > all_there_is:
        raise ConfigError(
            f"{what} must ask for rows that fit in memory, got {rows:,.0f} of {columns:,} columns, which need "
            f"{needed / 1e9:,.0f} GB of {all_there_is / 1e9:,.0f}: lower one of them."
        )


def give_back() -> None:
    """Return to the system what pyarrow and the C library keep for later use; of large tables that is a lot.

    glibc keeps freed blocks for as long as one behind them is in use; other systems return them by themselves.
    """
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


def _memory() -> float:
    """Return the bytes of memory of this machine; where it does not tell, there is no limit."""
    if not hasattr(os, "sysconf"):  # Windows
        return float("inf")
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError):  # numpy's and pyarrow's own errors are such
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & _TELLING) and _TOLD.search(str(error)[:2000]) is not None
