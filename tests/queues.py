"""A small queue of questions, and what Label Studio gives back for it, for the tests of `experiments.labels`."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.labels.columns import queue_of

CLASSES = ("fraud", "honest")


def questions(ids: list[str], kinds: list[str] | None = None, labels: list[str] | None = None) -> pd.DataFrame:
    """Return the reserved columns for some ids."""
    n = len(ids)
    return pd.DataFrame(
        {
            "question": pd.Series(ids, dtype="str"),
            "kind": kinds or ["ask"] * n,
            "reason": "the model is unsure",
            "region": "amount > 5",
            "score": [0.75, 0.25, *[0.5] * n][:n],
            "inclusion": 1.0,
            "given": "",
            "label": labels or [""] * n,
        }
    )


def small_queue(labels: list[str] | None = None, **columns: Sequence[object] | pd.Series) -> pd.DataFrame:
    """Return a queue of three questions, one of each kind."""
    rows = pd.DataFrame(columns or {"amount": [1.5, None, 3.0], "shop": ["a", "=cmd|' /C calc'!A0", None]})
    return queue_of(questions(["p000001", "p000002", "t000003"], ["ask", "audit", "check"], labels), rows)


def task(
    question: str, *annotations: dict[str, object], kind: str = "ask", predicted: str = "fraud", number: int = 1
) -> dict[str, object]:
    """Return a task as Label Studio's full JSON has it."""
    return {
        "id": number,
        "annotations": list(annotations),
        "file_upload": "1a2b3c4d-tasks.json",
        "drafts": [],
        "predictions": [{"id": 7, "model_version": "weakspot", "score": 0.9, "result": [choice(predicted)], "task": 1}],
        "data": {"question": question, "kind": kind, "row": "<table></table>", "reason": "", "score": 0.9},
        "meta": {},
        "created_at": "2026-11-01T10:00:00.000000Z",
        "updated_at": "2026-11-01T10:05:00.000000Z",
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "project": 3,
    }


def choice(label: object) -> dict[str, object]:
    return {
        "value": {"choices": [label]},
        "id": "Dx_aB91ISN",
        "from_name": "label",
        "to_name": "row",
        "type": "choices",
        "origin": "manual",
    }


def annotation(label: object = None, by: object = 1, cancelled: bool = False) -> dict[str, object]:
    """Return an annotation of a task; no label = it was submitted without a choice."""
    return {
        "id": 11,
        "completed_by": by,
        "result": [] if label is None else [choice(label)],
        "was_cancelled": cancelled,
        "ground_truth": False,
        "created_at": "2026-11-01T10:03:00.000000Z",
        "lead_time": 4.2,
        "task": 1,
    }


def as_json(tmp_path: Path, value: object, name: str = "export.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def as_text(tmp_path: Path, text: str, name: str = "export.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return path
