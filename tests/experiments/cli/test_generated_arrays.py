"""New rows with arrays by ``weakspot generate``: their columns, and the audit that is named beside them."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.cli.generating.rows import deliver
from experiments.data.arrays.images import save
from generators import Markov
from learners.encoders.words import Words
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.types import Region, Request

ROWS = 100


def notes(n: int = ROWS) -> pd.DataFrame:
    """Texts of six words each: their number is no feature."""
    rng = np.random.default_rng(0)
    written = [
        " ".join(rng.choice(["oven", "salt", "wave", "sail", "tide", "stew", "rope", "moss"], 6)) for _ in range(n)
    ]
    return pd.DataFrame({"note": written, "label": np.arange(n) % 2})


def test_texts_of_which_some_columns_are_constant_are_delivered() -> None:
    frame = notes()
    schema = infer(frame, "label", encoders={"note": Words()})
    assert "note_words" not in [column.name for column in schema.columns]
    generator = Markov().fit(encode(schema, frame), np.random.default_rng(0))
    assert set(deliver(generator, Request(Region(), None, 5), schema, 0).frame) == {"label", "note"}


@pytest.mark.parametrize("kind", ["images", "series", "texts"])
def test_the_audit_that_is_named_beside_rows_can_be_pasted(kind: str, tmp_path: Path) -> None:
    rng, y = np.random.default_rng(0), np.arange(ROWS) % 2
    words: dict[str, list[object]] = {
        "images": [tmp_path / "photos"],
        "series": [tmp_path / "waves.npz"],
        "texts": [tmp_path / "notes.csv", "--text", "note", "--target", "label"],
    }
    if kind == "images":
        save(tmp_path / "photos", rng.integers(0, 256, (ROWS, 1, 5, 5)).astype(np.uint8), y.tolist())
    elif kind == "series":
        np.savez(tmp_path / "waves.npz", series=rng.normal(size=(ROWS, 12)), label=y)
    else:
        notes().to_csv(tmp_path / "notes.csv", index=False)
    asked = ["generate", "--data", *words[kind], "--n", 4, "--out", tmp_path / "made.parquet"]
    result = CliRunner().invoke(app, [str(word) for word in asked])
    assert result.exit_code == 0, (result.output, result.exception)
    (told,) = (line for line in result.stderr.splitlines() if "weakspot audit" in line)
    pasted = shlex.split(told[told.index("weakspot audit") :])[1:]
    audited = CliRunner().invoke(app, [*pasted, "--json"])
    assert audited.exit_code == 0, (audited.output, audited.exception)
