"""One synthetic row in words: who made it, from what, for which region, and where its label is from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.config.data_config import DataConfig
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.remaining import content_digest, line_numbers
from experiments.data.row_numbers import numbers_of
from experiments.report.html import SYNTHETIC
from experiments.storage import run_folder
from experiments.trust.provenance.record import Provenance
from loop.data.parquet_file import read_frame
from loop.errors import ConfigError, DataError

TRAIL = {
    *("ws_supply", "ws_parents", "ws_weight", "ws_generation", "ws_region"),
    *("ws_label", "ws_generator", "ws_acquisition", "ws_labeller"),
}
MOST_PARENTS = 20  # told with their lines


def traced(run: Path, row: int) -> Iterator[str]:
    """Yield the trail of a row of ``synthetic.parquet``, from 0, a sentence a line.

    Raises
    ------
    ConfigError, DataError
        If the run kept no such row, or its folder is damaged.
    """
    frame, config = _kept(run), load_config(RunConfig, run_folder.configuration(run))
    if not 0 <= row < len(frame):
        raise ConfigError(
            f"a row must be one of the {len(frame):,} that the run kept, from 0, got {row}: name another."
        )
    if not set(frame) >= TRAIL:
        raise DataError(
            f"{run / SYNTHETIC} must hold the trail of its rows, and it lacks columns of it: repeat the run."
        )
    told, provenance = frame.iloc[row], Provenance.read(run)
    values = ", ".join(f"{name}={told[name]}" for name in map(str, frame) if not name.startswith("ws_"))
    yield f"Row {row} of {run / SYNTHETIC} is synthetic: {values}"
    yield (
        f"It was made in generation {told['ws_generation']} by the supply {told['ws_supply']!r} with "
        f"{told['ws_generator']}, for the region {told['ws_region']!r} and {_class(str(told['ws_label']))}."
    )
    yield from _parents(str(told["ws_parents"]), config.data)
    yield _label(told)
    yield f"{told['ws_acquisition']} chose it among the proposals; it weighs {told['ws_weight']:g} in training."
    if provenance is None:
        yield "What the run has read is not recorded: an earlier version of weakspot began it."
        return
    config_file = run / run_folder.CONFIG
    yield f"Run {provenance.run[:16]}, weakspot {provenance.weakspot}, configuration {config_file}, has read:"
    yield from (f"  {each.words}" for each in provenance.inputs)


def _kept(run: Path) -> pd.DataFrame:
    path = run / SYNTHETIC
    run_folder.fingerprint_of(run)
    if not path.is_file():
        raise DataError(f"a trail is that of a finished run, and {run} has no {SYNTHETIC}: finish or repeat the run.")
    try:
        frame = read_frame(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} must be as the run wrote it, and it is damaged ({error}): repeat the run.") from error
    return frame


def _class(label: str) -> str:
    return "any class" if label == "any" else f"the class {label!r}"


def _label(told: pd.Series) -> str:
    shares = {str(name): told[name] for name in told.index if str(name).startswith("ws_p_")}
    words = ", ".join(f"{name.removeprefix('ws_p_')} {share:.3f}" for name, share in shares.items())
    seen = "; the teacher has seen all training rows" if "Teacher" in str(told["ws_labeller"]) else ""
    return f"Its label is from {told['ws_labeller']}: {words}{seen}."


def _parents(listed: str, data: DataConfig) -> Iterator[str]:
    """Yield the real rows that a row was made from, with their places in the file as it is now."""
    rows = np.array([int(each) for each in listed.split(",") if each], dtype=np.int64)
    if not len(rows):
        yield "It was made from no row alone: its generator drew it from what it has learnt of all training rows."
        return
    source, numbers, without = Path(data.source), rows, ""
    if data.without is not None and source.is_file() and content_digest(source) != data.without.remaining:
        left_out = numbers_of(data.without.rows)
        numbers = np.setdiff1d(np.arange(rows.max() + len(left_out) + 1), left_out)[rows]
        without = f", {len(left_out):,} retracted rows counted"
    lines = line_numbers(source, numbers[:MOST_PARENTS].tolist(), data.format) if source.is_file() else {}
    places = [
        f"{each} (line {lines[each]})" if each in lines else str(each) for each in numbers.tolist()[:MOST_PARENTS]
    ]
    more = f" and {len(rows) - MOST_PARENTS:,} more" if len(rows) > MOST_PARENTS else ""
    made_from = f"{len(rows):,} real {'row' if len(rows) == 1 else 'rows'} of {data.source}"
    yield f"It was made from {made_from}, numbered from 0{without}: {', '.join(places)}{more}."
