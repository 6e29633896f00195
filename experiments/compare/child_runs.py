"""One child run for each arm of each source and seed; repeating the comparison adds none twice."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from experiments.arms.names import is_loop
from experiments.arms.scoring import SCORE
from experiments.config.run_config import RunConfig
from loop.protocols import Child, Store
from loop.support.plain_json import Record, plain
from loop.tracking import read_records

TEXT = (
    "source",
    "table",
    "arm",
    "note",
    "cheap",
    "plain",
    "seed",
    "split",
    "generations",
)  # keys of a row that are not metrics
_KEYS = tuple(field.name for field in fields(Child))


class ChildRuns:
    """Record the rows of cells as child runs.

    Parameters
    ----------
    tracker : Store
        Of the comparison, already started.
    journal : Path
        Folder in which it keeps its records.
    """

    def __init__(self, tracker: Store, journal: Path) -> None:
        self._tracker = tracker
        records = [record for record in read_records(journal) if record["kind"] == "child"]
        self._known = {_content({key: record.get(key, {}) for key in _KEYS}) for record in records}

    def keep(self, row: Record, run: RunConfig) -> None:
        """Record one arm on one source and seed; the scores of the generations become a curve."""
        child = Child(
            name=f"{row['arm']} | {row['source']} | seed {row['seed']}",
            params={},
            metrics={name: value for name, value in row.items() if name not in TEXT},
            tags={"dataset": run.data.source, "learner": run.learner.name}
            | {key: str(row[key]) for key in ("source", "arm", "seed")}
            | ({"strategy": run.loop.strategy} if is_loop(row["arm"]) else {}),
            curves={f"score/{SCORE}": row["generations"]} if row.get("generations") else {},
        )
        if _content(vars(child)) not in self._known:
            self._tracker.child(child)


def _content(child: Mapping[str, object]) -> str:
    return json.dumps(plain(child), sort_keys=True)
