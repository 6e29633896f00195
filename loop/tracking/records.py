"""Content of trackers: new rows as a frame, and records of `loop.cycle.generation_codec` as tables and flat metrics."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from loop.cycle.ledger import Ledger
from loop.support.plain_json import Record, plain
from loop.types import LoopVerdict

SHARED = ("strategy", "seed", "source", "generator", "budget", "learner")  # parameters of every run and child
SYNTHETIC = {"synthetic": "true"}  # in the metadata of every file of new rows, and a tag of their run
CARRIED = ("weakspot.run", "weakspot.digest", "licence", "origin")  # tags of a run that its files of rows carry, too
LONGEST = 200  # characters of a column's name in a metric's, so that prefixes and endings have room


def verdict_record(verdict: LoopVerdict | None) -> Record | None:
    """Return a verdict as a dict, None without a verdict."""
    return None if verdict is None else plain(asdict(verdict))


def rows_frame(ledger: Ledger) -> pd.DataFrame:
    """Return new rows as the user would write them, with their trail in columns that begin with ``ws_``."""
    from loop.data.encoding import decode

    table = ledger.rows
    frame: pd.DataFrame = decode(table.schema, table).reset_index(drop=True).apply(_storable)
    origins = [ledger.origins[i] for i in table.supply]
    trail = {
        "ws_supply": pd.Series([origin.supply for origin in origins], dtype="str"),
        "ws_parents": pd.Series([_listed(parents) for parents in table.parents], dtype="str"),
        "ws_weight": table.weight,
        "ws_kept": ledger.kept,
        "ws_generation": table.generation,
        "ws_region": pd.Series([origin.region for origin in origins], dtype="str"),
        "ws_label": pd.Series([origin.label for origin in origins], dtype="str"),
        "ws_generator": pd.Series([origin.generator for origin in origins], dtype="str"),
        "ws_acquisition": pd.Series([origin.acquisition for origin in origins], dtype="str"),
        "ws_labeller": pd.Series([origin.labeller for origin in origins], dtype="str"),
    }
    soft = {f"ws_p_{name}": table.targets[:, code] for code, name in enumerate(table.schema.classes)}
    return pd.concat([frame, pd.DataFrame({**trail, **soft})], axis=1)


def rows_marks(tags: object) -> dict[str, str]:
    """Return what the metadata of a file of new rows say: that they are synthetic, and what is carried from the run."""
    told = tags if isinstance(tags, Mapping) else {}
    return SYNTHETIC | {name: str(told[name]) for name in CARRIED if name in told}


def _listed(parents: np.ndarray) -> str:
    """Return the row numbers of parents as text such as "17,203", for any file format; empty if there are none."""
    return ",".join(str(row) for row in parents[parents >= 0])


def _storable(column: pd.Series) -> pd.Series:
    """Return a column as files can store it: dense, and categories that are intervals or periods as text."""
    if isinstance(column.dtype, pd.SparseDtype):
        return pd.Series(np.asarray(column), name=column.name)
    categories = getattr(column.dtype, "categories", None)
    odd = categories is not None and isinstance(categories.dtype, (pd.IntervalDtype, pd.PeriodDtype))
    return column.astype("str") if odd else column


def region_table(record: Record) -> pd.DataFrame:
    """Return one row for each region of a generation's record: its rule, counts, deficit and rows requested."""
    asked = dict(record["requests"])
    rows = [
        {
            "region": region["text"],
            "label": region["class"],
            "rows": region["rows"],
            "positives": region["positives"],
            **_interval("deficit", region["deficit"] or {"estimate": None, "low": None, "high": None}),
            "asked": asked.get(region["text"], 0),
        }
        for region in record["regions"]
    ]
    columns = ["region", "label", "rows", "positives", "deficit", "deficit_low", "deficit_high", "asked"]
    return pd.DataFrame(rows, columns=columns)


def generation_metrics(record: Record) -> dict[str, float]:
    """Flatten a generation's record to metrics.

    The champion's scores and the decision have plain names (``judge_average_precision``, ..., ``kept``,
    ``difference``, ``difference_low``, ``difference_high``, ``expected``, ``evaluations``, ``new_rows``); the rest is
    grouped by a prefix: ``bound/``, ``challenger/``, ``drift/``, ``count/``, ``seconds/``.
    """
    decision = record["decision"]
    metrics = {
        **judge_metrics(record["scores"]),
        **_grouped("bound", bounds(record["scores"])),
        **_grouped("challenger", score_metrics(record["challenger"])),
        "kept": decision["kept"],
        **_interval("difference", decision["difference"]),
        "expected": decision["expected"],
        "evaluations": record["evaluations"],
        "new_rows": record["n_rows"],
        **_grouped("drift", {name.removeprefix("drift/"): value for name, value in record["drift"].items()}),
        **_grouped("count", record["counts"]),
        **_grouped("seconds", record["seconds"]),
    }
    return {name: float(value) for name, value in metrics.items()}


def judge_metrics(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return scores on judge rows under plain names, without their intervals."""
    return {metric_name(f"judge_{name}"): float(score["estimate"]) for name, score in scores.items()}


def bounds(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the intervals of scores on judge rows."""
    ends = ("low", "high")
    return {f"judge_{name}_{end}": float(score[end]) for name, score in scores.items() for end in ends}


def headline(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics with plain names: those a page shows. The others, grouped by a prefix, belong in a table."""
    return {name: value for name, value in metrics.items() if "/" not in name}


def figures_table(metrics: Mapping[str, float]) -> pd.DataFrame:
    """Return metrics as a table of names and values."""
    return pd.DataFrame({"figure": list(metrics), "value": list(metrics.values())})


def dataset_record(
    name: str, digest: str, source: str, context: str, columns: Mapping[str, str], **profile: int
) -> Record:
    """Return a table that a run works on, as trackers take it: a short name, columns with their kinds, and counts."""
    record = {"name": name, "digest": digest, "source": source, "context": context}
    return {**record, "columns": dict(columns), "profile": profile}


def score_metrics(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Flatten named intervals to ``name``, ``name_low`` and ``name_high``."""
    return {key: float(x) for name, score in scores.items() for key, x in _interval(metric_name(name), score).items()}


def verdict_metrics(verdict: Record) -> dict[str, float]:
    """Flatten the verdict of the judge rows; what test rows say is told apart from it."""
    spread = {"estimate": verdict["gain"], "low": verdict["interval"]["low"], "high": verdict["interval"]["high"]}
    proven = {"generations_kept": verdict["kept"], "judge_proven": verdict["proven"]}
    metrics = proven | _interval("judge_difference", spread)
    return {name: float(value) for name, value in metrics.items()}


def metric_name(name: str) -> str:
    """Return a name that MLflow accepts for a metric: letters, digits, and ``_ - . /`` and blanks."""
    return re.sub(r"[^\w\-. /]", "_", name)[:250]


def _interval(name: str, interval: Mapping[str, Any]) -> dict[str, Any]:
    return {name: interval["estimate"], f"{name}_low": interval["low"], f"{name}_high": interval["high"]}


def _grouped(group: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Put a prefix before names; those that MLflow could not tell apart end in a digest of what they stand for."""
    keys = {name: _one_level(name) for name in values}
    times = Counter(keys.values())

    def told(name: str) -> str:
        key = keys[name]
        return key if times[key] == 1 or key == name else f"{key}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    return {f"{group}/{told(name)}": value for name, value in values.items()}


def _one_level(name: str) -> str:
    """Return a name as one level of a metric's name, which dots alone are not."""
    clean = metric_name(name).replace("/", "_")[:LONGEST]
    return clean if clean.strip(".") else "_" * len(clean)
