"""Models of CatBoost on disk, tried once in a process that may die before they are read here.

CatBoost believes parts of its files: some altered bytes end the process, or ask for all memory. The format is binary
and CatBoost's own, so it is not checked byte by byte: a child loads it and answers rows that hold every category.
That takes about a second, once for a file; models of the other libraries are checked in milliseconds.
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from learners.common.extras import needs_extra
from loop.errors import DataError
from loop.support.own_files import own_file

LARGEST = 2**32  # bytes of a file
PATIENCE = 120  # seconds that the child may take: a file of a gigabyte is read in a few
MEMORY = 2**34  # bytes that it may ask for
TRIAL = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
from catboost import CatBoost, CatBoostError, Pool
import pandas as pd
sizes = [int(size) for size in sys.argv[3].split(",")]
rows = max(sizes) + 3
numbers = [float("nan"), -3e38, 3e38, 0.0, 1.0]
columns = {
    str(j): pd.Series([i % (size + 2) for i in range(rows)] if size else [numbers[(i + j) % 5] for i in range(rows)])
    for j, size in enumerate(sizes)
}
try:
    model = CatBoost().load_model(sys.argv[1])
    at = [j for j, size in enumerate(sizes) if size]
    model.predict(Pool(pd.DataFrame(columns), cat_features=at, thread_count=1), thread_count=1)
    sys.exit(0)
except CatBoostError as error:
    sys.exit(" ".join(str(error).split())[:120])
"""


def read_booster(path: Path, sizes: Sequence[int], classes: int) -> Any:
    """Return a model of CatBoost, once sure that it can be read and is for the columns.

    Parameters
    ----------
    path : Path
    sizes : sequence of int
        Categories of each column, 0 = numbers.
    classes : int
        Classes that it tells apart.

    Raises
    ------
    DataError
        If the file is no model of CatBoost, or one for other columns or classes.
    OSError
        If it cannot be read.
    """
    with needs_extra("CatBoost"):
        from catboost import CatBoost
    content = own_file(path, most=LARGEST).read_bytes()
    if why := _tried(str(path), hashlib.sha256(content).hexdigest(), tuple(sizes)):
        raise DataError(f"{path} must hold whole trees of CatBoost, and does not ({why}): save the model again.")
    model = CatBoost().load_model(blob=content)
    found = model.feature_names_, model.get_cat_feature_indices(), len(model.classes_)
    wanted = [str(at) for at in range(len(sizes))], [at for at, size in enumerate(sizes) if size], classes
    leaves, values = int(sum(model.get_tree_leaf_counts())), len(model.get_leaf_values())
    if found != wanted or values not in (leaves, leaves * classes):
        raise DataError(
            f"{path} must hold trees for {len(sizes)} columns and {classes} classes, and is for others: save the model "
            "again."
        )
    return model


@lru_cache(maxsize=64)
def _tried(path: str, digest: str, sizes: tuple[int, ...]) -> str | None:
    """Load a file in a child process; return what went wrong, None if nothing did."""
    words = [sys.executable, "-c", TRIAL, path, str(MEMORY), ",".join(map(str, sizes))]
    try:
        ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "reading it takes too long"
    if ended.returncode == 0:
        return None
    return ended.stderr.strip().split("\n")[-1][:120] if ended.returncode == 1 else "reading it ends the process"
