"""Records of a run as data frames, for people and for notebooks."""

from collections.abc import Sequence

import pandas as pd

from loop.cycle.generation_codec import to_record
from loop.cycle.ledger import Ledger
from loop.tracking.records import generation_metrics, region_table, rows_frame
from loop.types import Generation


def history_frame(history: Sequence[Generation]) -> pd.DataFrame:
    """Return one row a generation: decision and reason, scores, counts, drift and seconds."""
    rows = [
        {
            "generation": generation.index,
            "supply": generation.supply,
            **generation_metrics(to_record(generation)),
            "reason": generation.decision.reason,
        }
        for generation in history
    ]
    return pd.DataFrame(rows)


def regions_frame(history: Sequence[Generation]) -> pd.DataFrame:
    """Return one row for each weak region of each generation."""
    tables = [region_table(to_record(generation)) for generation in history]
    numbered = [table.assign(generation=each.index) for table, each in zip(tables, history, strict=True) if len(table)]
    return pd.concat(numbered, ignore_index=True) if numbered else pd.DataFrame(columns=["generation", "region"])


def synthetic_frame(history: Sequence[Generation]) -> pd.DataFrame:
    """Return the rows of the generations given, with their trail in columns that begin with ``ws_``."""
    made = [generation for generation in history if len(generation.rows)]
    return rows_frame(Ledger.of(made, made[0].rows)) if made else pd.DataFrame()
