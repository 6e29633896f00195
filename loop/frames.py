"""Records of a run as data frames, for people and for notebooks."""

from collections.abc import Sequence

import pandas as pd

from loop.cycle.generation_codec import to_record
from loop.cycle.ledger import Ledger
from loop.support.plain_json import Record
from loop.tracking.records import generation_metrics, region_table, rows_frame, score_metrics
from loop.types import Generation


def history_frame(history: Sequence[Generation]) -> pd.DataFrame:
    """Return one row a generation: decision and reason, scores, counts, drift and seconds."""
    rows = [
        {
            "generation": generation.index,
            "supply": generation.supply,
            **_figures(to_record(generation)),
            "reason": generation.decision.reason,
        }
        for generation in history
    ]
    return pd.DataFrame(rows)


def _figures(record: Record) -> dict[str, float]:
    """Return the metrics of a generation; its scores have their own names and intervals, as all are of judge rows."""
    metrics = generation_metrics(record)
    rest = {name: value for name, value in metrics.items() if not name.startswith(("judge_", "bound/"))}
    return {**score_metrics(record["scores"]), **rest}


def regions_frame(history: Sequence[Generation]) -> pd.DataFrame:
    """Return one row for each weak region of each generation."""
    tables = [region_table(to_record(generation)) for generation in history]
    numbered = [table.assign(generation=each.index) for table, each in zip(tables, history, strict=True) if len(table)]
    return pd.concat(numbered, ignore_index=True) if numbered else pd.DataFrame(columns=["generation", "region"])


def synthetic_frame(history: Sequence[Generation]) -> pd.DataFrame:
    """Return the rows of the generations given, with their trail in columns that begin with ``ws_``."""
    made = [generation for generation in history if len(generation.rows)]
    return rows_frame(Ledger.of(made, made[0].rows)) if made else pd.DataFrame()
