"""How many planted label errors are on the list of labels to check, and how long the list is on clean tables.

Run as ``python -m experiments.benchmarks.label_errors``: 3 % of all labels of real tables are flipped at random, and
clean card payments are simulated. Beside the list stand what a colleague would do without it: rank all rows by one
minus the probability of the given label, from the same out-of-fold probabilities or from XGBoost with its defaults; and
confident learning with its own thresholds. The last line is JSON.
"""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from experiments.benchmarks.options import among, console
from experiments.data.sources import Dataset, load, rare_suite
from experiments.data.split import WholeTable
from experiments.storage.result_cache import Records, digest_of, each_cell
from learners import Committee
from loop.asking.out_of_fold import out_of_fold, repeated_folds
from loop.asking.suspects import by_mean_confidence, find_suspects
from loop.data.encoding import encode
from loop.data.split import duplicate_groups
from loop.evaluation.calibration import cross_fitted
from loop.evaluation.judge_rows import JudgeRows
from loop.seeds import integer, stream
from loop.types import Table

SHARE = 0.03  # of all labels are flipped, and as many rows are looked at
TABLES = (*rare_suite(), "adult", "magic", "shoppers")
CLEAN = {"1 % positives": "simulation:customers=250", "0.2 % positives": "simulation:fraud_rate=0.002"}
LIST, RANKING = "the list", "same probabilities, all rows by 1 - P(label)"
MEANS, XGBOOST = "same probabilities, confident learning", "XGBoost defaults, all rows by 1 - P(label)"


def table_of(dataset: Dataset, most: int | None, seed: int) -> Table:
    """Encode a table by a schema of all its rows; of larger tables, ``most`` rows drawn at random."""
    dataset = dataset.without_clock()
    frame = dataset.frame.drop(columns="split", errors="ignore")  # of adult: the published split
    if most is not None and most < len(frame):
        drawn = stream(seed, "rows").choice(len(frame), most, replace=False)
        frame = frame.iloc[np.sort(drawn)].reset_index(drop=True)
    whole = WholeTable.of(replace(dataset, frame=frame))
    return encode(whole.schema_of(np.arange(len(frame))), whole.frame)


def flipped(table: Table, seed: int) -> tuple[Table, np.ndarray]:
    """Give a share of the rows, drawn without regard to class, the other of two labels; tell which, (n,) bool."""
    wrong = np.zeros(len(table), dtype=bool)
    wrong[stream(seed, "flips").choice(len(table), round(SHARE * len(table)), replace=False)] = True
    return replace(table, y=np.where(wrong, 1 - table.y, table.y)), wrong


def ranked(table: Table, seed: int, repeats: int) -> tuple[dict[str, np.ndarray], float]:
    """Return the rows that each way lists, the most suspect first, and the estimated share of errors."""
    n = len(table)
    dealt = repeated_folds(table, stream(seed, "folds"), repeats=repeats)
    proba = out_of_fold(Committee(jobs=1), table, dealt, stream(seed, "committee"))
    copies = duplicate_groups(table.X)
    found = find_suspects(proba, table.y, table.schema.classes, stream(seed, "suspects"), copies=copies)
    calibrated = cross_fitted("auto", JudgeRows.of(table), proba, stream(seed, "calibration"))
    plain = xgboost_defaults(table, seed)
    ways = {LIST: found.positions, MEANS: by_mean_confidence(calibrated, table.y)}
    for name, each in ((RANKING, proba), (XGBOOST, plain)):
        ways[name] = np.argsort(each[np.arange(n), table.y], kind="stable")
    return ways, found.error_share


def xgboost_defaults(table: Table, seed: int) -> np.ndarray:
    """Return out-of-fold probabilities (n, K) of XGBoost as it comes, in five stratified folds."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from xgboost import XGBClassifier

    state = integer(stream(seed, "xgboost"))
    folds = StratifiedKFold(5, shuffle=True, random_state=state)
    model = XGBClassifier(random_state=state, n_jobs=1)
    answers: np.ndarray = cross_val_predict(model, table.X, table.y, cv=folds, method="predict_proba")
    return answers


def cell(name: str, seed: int, most: int, repeats: int) -> Records:
    """Flip labels of one table, or none of a clean one, and return one row for each way to list them."""
    table, wrong = planted(name, seed, most)
    ways, share = ranked(table, seed, repeats)
    told = {"table": name, "seed": seed, "clean": name in CLEAN}
    return [told | row | {"error_share": share} for row in judged(ways, wrong)]


def planted(name: str, seed: int, most: int) -> tuple[Table, np.ndarray]:
    """Flip labels of one table, or none of a clean one; tell which, (n,) bool."""
    if name in CLEAN:
        table = table_of(load(f"{CLEAN[name]},seed={seed}"), None, seed)
        return table, np.zeros(len(table), dtype=bool)
    return flipped(table_of(load(f"suite:{name}", "target"), most, seed), seed)


def judged(ways: dict[str, np.ndarray], wrong: np.ndarray) -> Records:
    """Return one row for each way: how many rows it lists, and how many of the first are wrong.

    Parameters
    ----------
    ways : dict of ndarray
        Positions of rows, the most suspect first.
    wrong : ndarray of shape (n,), bool
    """
    first = round(SHARE * len(wrong))
    rows: Records = []
    for way, positions in ways.items():
        whole = way in (RANKING, XGBOOST)
        listed = first if whole else len(positions)
        hits = int(wrong[positions[:first]].sum())
        row = {"way": way, "rows": len(wrong), "listed": listed}
        rows.append(row | {"precision": hits / max(min(listed, first), 1), "recall": hits / max(int(wrong.sum()), 1)})
    return rows


def cell_file(out: Path, most: int, repeats: int, key: tuple[str, int]) -> Path:
    """Name the file in which the rows of a table and a seed are kept."""
    name, seed = key
    return out / digest_of((Committee(), most, repeats), f"suite:{name}") / f"{name}-{seed}.json"


def headline(results: pd.DataFrame) -> dict[str, float]:
    """Sum up the list: mean precision by table, and the most rows listed on a clean table, also as a share."""
    own = results[results["way"] == LIST]
    planted, clean = own[~own["clean"]], own[own["clean"]]
    told = {f"precision_{name}": round(float(x), 3) for name, x in planted.groupby("table")["precision"].mean().items()}
    told["listed_on_clean"] = int(clean["listed"].max())
    told["listed_on_clean_share"] = round(float((clean["listed"] / clean["rows"]).max()), 5)
    return told


def main(
    tables: Annotated[str, typer.Option(help="Names of tables of two classes, by commas.")] = "mammography,adult",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0..N-1 of flips, folds and simulations.")] = 3,
    rows: Annotated[int, typer.Option(min=100, help="Rows of larger real tables, drawn at random.")] = 12_000,
    repeats: Annotated[int, typer.Option(min=1, help="How often the folds are dealt.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of finished cells.")] = Path("runs/label_errors"),
    jobs: Annotated[int, typer.Option(min=1, help="Cells side by side.")] = 1,
) -> None:
    """Plant label errors, list suspects, and compare with plain rankings; print one line of JSON last."""
    terminal = console()
    names = [*CLEAN, *among("--tables", tables, TABLES)]
    keys = [(name, seed) for seed in range(seeds) for name in names]
    path_of = partial(cell_file, out, rows, repeats)
    found = each_cell(keys, lambda key: cell(*key, rows, repeats), path_of, jobs=jobs, console=terminal)
    results = pd.DataFrame([row for of_cell in found for row in of_cell])
    columns = ["rows", "listed", "precision", "recall", "error_share"]
    terminal.print(results.groupby(["table", "way"], sort=False)[columns].mean().round(3).to_string())
    print(json.dumps(headline(results)))


if __name__ == "__main__":
    from experiments.cli.app import run_command

    run_command(main)
