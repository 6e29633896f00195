"""What a notebook shows of a fitted `LoopClassifier`, below scikit-learn's diagram."""

from html import escape
from typing import Any

import pandas as pd

from loop.support.visible import visible

SHOWN = 5  # weak regions


def result_html(model: Any) -> str:
    """Return the result of a fitted `LoopClassifier` as HTML: the verdict, its generations and its weak regions."""
    names = {"generation": "generation", "kept": "kept", "reason": "reason", "average_precision": "average precision"}
    history = model.history_.reindex(columns=list(names)).rename(columns=names)
    regions = model.regions_.reindex(columns=["generation", "region", "rows"]).tail(SHOWN)
    parts = [
        f"<p><b>{escape(visible(model.verdict_.sentence))}</b></p>",
        _table("Generations", history.assign(kept=history["kept"].map({1: "yes", 0: "no"}))),
        _table("Weak regions", regions),
        f"<p>{len(model.synthetic_):,} new rows kept: see synthetic_.</p>",
    ]
    return f"<div>{''.join(parts)}</div>"


def _table(title: str, frame: pd.DataFrame) -> str:
    frame = frame.map(lambda value: visible(value) if isinstance(value, str) else value)
    shown = frame.to_html(index=False, border=0, escape=True, float_format="{:.3f}".format) if len(frame) else "none"
    return f"<p>{escape(title)}</p>{shown}"
