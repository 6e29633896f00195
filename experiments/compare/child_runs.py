"""One child run for each arm of each source and seed; repeating the comparison adds none twice."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from experiments.arms.names import BEST_PLAIN, DELIVERED, PLAIN_KINDS, REAL_ONLY, is_loop
from experiments.arms.scoring import SCORE
from experiments.compare.cells import NO_METRICS
from experiments.config.run_config import RunConfig
from experiments.run.tracking import shared_params, short_name, source_record
from loop.protocols import Child, Store
from loop.support.plain_json import Record, plain
from loop.tracking import read_records

COSTS = ("seconds_fit", "seconds_per_million", "megabytes")
OWN = ("judge_gain", "judge_proven", "promised", "gain_low", "gain_high")  # of loops, or of the delivered model
NONE = "none"  # a setting that an arm does not have: charts leave out runs that lack a parameter
_KEYS = tuple(field.name for field in fields(Child))


class ChildRuns:
    """Record the rows of cells as child runs.

    Parameters
    ----------
    tracker : Store
        Of the comparison, already started.
    journal : Path
        Folder in which it keeps its records.
    sources : sequence of str
        Names of all sources.
    """

    def __init__(self, tracker: Store, journal: Path, sources: Sequence[str]) -> None:
        self._tracker = tracker
        self._names = short_names(sources)
        self._best: dict[tuple[object, object], Mapping[str, float]] = {}  # scores to compare with, by source and seed
        records = [record for record in read_records(journal) if record["kind"] == "child"]
        self._known = {_content({key: record.get(key, {}) for key in _KEYS}) for record in records}

    def keep(self, rows: Sequence[Record], run: RunConfig) -> None:
        """Record the arms on one source and seed, the first strategy's first; scores of generations become a curve."""
        for row in rows:
            scores = {each["arm"]: each[SCORE] for each in rows if each["arm"] in (BEST_PLAIN, REAL_ONLY)}
            against = self._best.setdefault((row["source"], row["seed"]), scores)
            child = self._child(row, run, against)
            if _content(vars(child)) not in self._known:
                self._tracker.child(child)

    def _child(self, row: Record, run: RunConfig, against: Mapping[str, float]) -> Child:
        params = _params(row, run) | {"source": self._names[row["source"]]}
        source, arm, numbers = self._names[row["source"]], str(row["arm"]), set(row) - set(NO_METRICS)
        scores = {name: row[name] for name in sorted(numbers - {*COSTS, *OWN, "judge_low", "promised_low"})}
        gains = {f"test_gain_over_{arm.replace(' ', '_')}": row[SCORE] - score for arm, score in against.items()}
        costs = {name: math.nan if row.get(name) is None else row[name] for name in COSTS}
        return Child(
            name=" · ".join((source, arm, f"seed {row['seed']}")),
            params=params,
            metrics={f"test_{name}": value for name, value in scores.items()}
            | gains
            | costs
            | {name if "judge" in name else f"test_{name}": row[name] for name in OWN if name in numbers},
            tags={"dataset": run.data.source, "arm": arm, "source": source, "learner": str(params["learner"])}
            | {"seed": str(row["seed"])}
            | ({"strategy": run.loop.strategy} if is_loop(arm) else {}),
            curves={f"judge_{SCORE}": row["generations"]} if row.get("generations") else {},
            seconds=float(row["seconds_fit"]),
            datasets=tables_of_row(row, run.data.source, source),
        )


def tables_of_row(row: Record, source: str, name: str) -> list[Record]:
    """Return the sides of the split that a cell worked on, under a name of its source; an older cell lacks them."""
    told = row.get("datasets") or []
    own = [each | {"name": f"{name}{each['name'].removeprefix(short_name(source))}"} for each in told]
    return own or [source_record(source, name)]


def short_names(sources: Sequence[str]) -> dict[str, str]:
    """Return a short name of each source, its own where two would share one."""
    short = {source: short_name(source) for source in sources}
    times = Counter(short.values())
    return {source: name if times[name] == 1 else source for source, name in short.items()}


def _params(row: Record, run: RunConfig) -> dict[str, object]:
    """Return the parameters of an arm, the same names for all: an arm without a loop has none of a loop's settings."""
    arm, params = str(row["arm"]), shared_params(run)
    model = str(row["note"]) if arm in (BEST_PLAIN, DELIVERED) else arm
    params["learner"] = model if model in PLAIN_KINDS else params["learner"]
    if not is_loop(model):
        params |= dict.fromkeys(("strategy", "generator", "budget"), NONE)
    return {"arm": arm} | params


def _content(child: Mapping[str, object]) -> str:
    return json.dumps(plain(child), sort_keys=True)
