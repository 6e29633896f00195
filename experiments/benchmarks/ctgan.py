"""Our GAN and VAE compared with those of the ctgan package: table adult, one thread each.

Run as ``python -m experiments.benchmarks.ctgan --peer PYTHON``, where PYTHON is the interpreter of a separate
environment with ``ctgan`` and ``pyarrow``: because of its licence the package is no dependency of this project. The
last line is JSON.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.table import Table as RichTable

from experiments.benchmarks.fidelity.fidelity import split_of
from experiments.benchmarks.options import console
from experiments.trust.audit.inputs import draw
from experiments.trust.audit.likeness import likeness
from experiments.trust.audit.utility import roc_auc
from generators import Gan, Vae
from loop.data.encoding import decode, encode
from loop.errors import DataError
from loop.seeds import stream
from loop.support import atomic
from loop.types import Table

TABLE = "adult"
LABEL = "target"

# Runs in the other environment: argv holds the folder and the number of epochs.
PEER = """
import json, sys, time
from pathlib import Path
import pandas as pd, torch
from ctgan import CTGAN, TVAE
torch.set_num_threads(1)
torch.manual_seed(0)
folder, epochs = Path(sys.argv[1]), int(sys.argv[2])
frame = pd.read_parquet(folder / "train.parquet")
discrete = json.loads((folder / "discrete.json").read_text())
seconds = {}
for kind in (CTGAN, TVAE):
    model = kind(epochs=1)
    started = time.perf_counter(); model.fit(frame, discrete); once = time.perf_counter() - started
    model = kind(epochs=epochs)
    started = time.perf_counter(); model.fit(frame, discrete); spent = time.perf_counter() - started
    seconds[kind.__name__] = [spent, (spent - once) / (epochs - 1)]
    model.sample(len(frame)).to_parquet(folder / f"{kind.__name__}.parquet")
print(json.dumps(seconds))
"""


def main(
    peer: Annotated[Path, typer.Option(help="Python of an environment with ctgan and pyarrow.")],
    epochs: Annotated[int, typer.Option(min=2, help="Epochs of all four.")] = 10,
) -> None:
    """Fit all four for the same number of epochs, and ours for the seconds that ctgan took; print a table and JSON."""
    if not peer.is_file():
        raise DataError(f"--peer must be a Python interpreter, and {peer} is no file: make an environment with ctgan.")
    split = split_of(TABLE, 0)
    train, test = split.train, split.test
    rows = []
    with tempfile.TemporaryDirectory() as name:
        seconds = _peer(peer, Path(name), train, epochs)
        for kind, (spent, epoch) in seconds.items():
            made = _encoded(pd.read_parquet(Path(name) / f"{kind}.parquet"), train)
            rows.append(_judged(f"ctgan package: {kind}", epochs, spent, epoch, made, train, test))
    for ours, theirs in ((Gan, "CTGAN"), (Vae, "TVAE")):
        once = _fit(ours(epochs=1, steps=10**9), train)[1]
        made, spent = _fit(ours(epochs=epochs, steps=10**9), train)
        epoch = (spent - once) / (epochs - 1)
        rows.append(_judged(ours.__name__, epochs, spent, epoch, made, train, test))
        longer = max(2, round(seconds[theirs][0] / epoch))
        made, spent = _fit(ours(epochs=longer, steps=10**9), train)
        rows.append(_judged(f"{ours.__name__}, as many seconds", longer, spent, epoch, made, train, test))
    results = pd.DataFrame(rows).set_index("generator")
    _show(results)
    print(json.dumps({str(name): round(float(row["seconds_per_epoch"]), 2) for name, row in results.iterrows()}))


def _peer(peer: Path, folder: Path, train: Table, epochs: int) -> dict[str, list[float]]:
    """Fit the models of ctgan in their environment; return for each the seconds in all and per epoch."""
    frame = decode(train.schema, train)
    frame[LABEL] = train.y.astype(str)
    discrete = [c.name for c in train.schema.columns if c.kind in ("categorical", "boolean")]
    frame[discrete] = frame[discrete].astype(str)  # the package takes no missing categories
    atomic.write_file(folder / "train.parquet", frame.to_parquet)
    atomic.write_json(folder / "discrete.json", [*discrete, LABEL])
    command = [str(peer), "-W", "ignore", "-c", PEER, str(folder), str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"--peer must run ctgan, and it says {done.stderr.strip().splitlines()[-1]!r}: correct that.")
    answer: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _encoded(frame: pd.DataFrame, like: Table) -> Table:
    """Encode the rows that ctgan made; "nan" stands for a missing category."""
    schema = like.schema
    for column in schema.columns:
        if column.kind in ("categorical", "boolean"):
            frame[column.name] = frame[column.name].astype(object).where(frame[column.name] != "nan", None)
    y = frame.pop(LABEL).astype(int).to_numpy()
    frame[schema.target] = np.array(schema.classes, dtype=object)[y]
    encoded = encode(schema, frame)
    return Table.real(encoded.X, y, schema)


def _fit(generator: Gan | Vae, train: Table) -> tuple[Table, float]:
    started = time.perf_counter()
    generator.fit(train, stream(0, "fit"))
    spent = time.perf_counter() - started
    return draw(generator, len(train), stream(0, "draw")), spent


def _judged(
    name: str, epochs: int, spent: float, epoch: float, made: Table, train: Table, test: Table
) -> dict[str, object]:
    return {
        "generator": name,
        "epochs": epochs,
        "seconds": spent,
        "seconds_per_epoch": epoch,
        "utility": roc_auc(made, test, stream(0, "utility")),
        "real_or_synthetic_auc": likeness(train, made, stream(0, "likeness")).detection_auc,
    }


def _show(results: pd.DataFrame) -> None:
    printed = RichTable("generator", *results.columns)
    for name, row in results.iterrows():
        printed.add_row(str(name), *(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row))
    console(140).print(printed)


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
