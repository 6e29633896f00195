"""New folders of runs, each there only once it is whole."""

import errno
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from loop.errors import ConfigError
from loop.support.atomic import remove

UNBORN = ".partial"  # ending of a folder that is not yet one of a run
LONG = 3600  # seconds that none takes to become one


def new_folder(out: Path, name: str, begin: Callable[[Path], object]) -> Path:
    """Make the folder of a run, named after the run and its starting time.

    It is there only once it is as ``begin`` leaves it, which is given an empty folder: so each can be resumed.

    Raises
    ------
    ConfigError
        If every such name is taken.
    """
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    out.mkdir(parents=True, exist_ok=True)
    _sweep_unborn(out)
    made = Path(mkdtemp(prefix=f".{name}.", suffix=UNBORN, dir=out))
    try:
        begin(made)
        for attempt in range(1, 1000):
            folder = out / (stem if attempt == 1 else f"{stem}-{attempt}")
            try:
                return made.rename(folder)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another run began in the same second
                    raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    raise ConfigError(f"out must have room for another run, got {out}: choose another folder.")


def _sweep_unborn(out: Path) -> None:
    """Remove folders that never became one of a run, as their process was killed."""
    for left in out.glob(f".*{UNBORN}"):
        with suppress(OSError):  # another process sweeps, too
            if left.is_dir() and time.time() - left.lstat().st_mtime > LONG:
                remove(left)
