"""Laws that every tracker obeys, and a run made by hand to try them on."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loop.cycle.generation_codec import to_record
from loop.protocols import Child, RunTracker, Store, Tracker
from loop.rows import Rows
from loop.support.plain_json import plain
from loop.testing.held import hold
from loop.tracking import read_records
from loop.tracking.records import dataset_record, headline
from loop.types import (
    Column,
    Condition,
    Decision,
    Generation,
    Interval,
    LoopVerdict,
    Origin,
    Region,
    Schema,
    Table,
)

SCHEMA = Schema(
    columns=(
        Column("amount", "numeric", "float64", 0.0, 900.0, missing=True, decimals=2),
        Column("age", "integer", "int64", 18.0, 90.0),
        Column("shop", "categorical", "str", categories=("book", "fuel", "toys")),
    ),
    classes=("honest", "fraud"),
    target="label",
)
RUN = {
    "name": "cards",
    "params": {"generations": 2, "rate": 0.05, "seed": "7"},
    "tags": {"data": "cards", "loop": "aim"},
    "datasets": [dataset_record("cards", "0123", "cards.csv", "training", {"age": "integer"}, num_rows=200)],
}
VERDICT = LoopVerdict(1, 0.03, Interval(0.03, -0.01, 0.07, 0.975), False, "No proven gain after 2 generations.")
TOLD = {"verdict": "No gain on 300 test rows."}
ARMS = (("smote seed 0", 0.41), ("smote seed 1", 0.43))
GENERATION_METRICS = {
    *("judge_ap", "bound/judge_ap_low", "bound/judge_ap_high"),
    *("challenger/ap", "challenger/ap_low", "challenger/ap_high"),
    *("kept", "difference", "difference_low", "difference_high", "expected", "evaluations", "new_rows"),
    *("drift/amount_psi", "drift/auc", "count/proposed", "count/label_unsure", "count/kept"),
    *("seconds/fit", "seconds/generate"),
}


def generation(index: int, kept: bool = True, n: int = 12) -> Generation:
    """Make the record of a generation with n new rows, one region, a missing value and a drift that is not a number."""
    rng = np.random.default_rng(index)
    X = np.column_stack([rng.uniform(0, 900, n).round(2), rng.integers(18, 91, n), rng.integers(0, 3, n)]).astype(float)
    X[:1, 0] = np.nan
    fraud = rng.uniform(size=n)
    soft = np.column_stack([1 - fraud, fraud])
    whole = np.full(n, index, dtype=np.int64)
    supply = (np.arange(n) % 2).astype(np.int64)
    parents = np.column_stack([np.arange(n), np.where(np.arange(n) % 3, 100 + np.arange(n), -1)])
    rows = Table(Rows(X), (fraud > 0.5).astype(np.int64), SCHEMA, np.full(n, 0.5), whole, supply, parents, soft)
    region = Region((Condition(0, 500.0),), "amount > 500", 1, 200, 9, Interval(0.4, 0.2, 0.6))
    score = Interval(0.5 + 0.01 * index, 0.4, 0.6)
    return Generation(
        index=index,
        regions=(region,),
        requests=(("amount > 500", 2 * n), ("anywhere", n)),
        counts={"proposed": 8 * n, "label:unsure": 3, "kept": n},
        scores={"ap": score},
        challenger={"ap": Interval(0.52, 0.41, 0.61)},
        decision=Decision(kept, "speaks for it", Interval(np.float64(0.02), -0.01, 0.05), 0.015),
        drift={"amount_psi": float("nan"), "auc": 0.61},
        seconds={"fit": 1.5, "generate": 0.25},
        rows=rows,
        origins=tuple(
            Origin("taught", index, -1, place, "any", "neighbourhood", "gap", "teacher")
            for place in ("amount > 500", "anywhere")
        ),
        evaluations=index,
    )


def arm(name: str, score: float) -> Child:
    """Make a finished arm with a score and a curve that ends there."""
    return Child(name, {"arm": "smote"}, {"ap": score}, {"arm": "smote"}, {"score/ap": [0.4, score]}, 2.5)


def play(tracker: Tracker, attached: Path, status: str = "finished") -> list[Generation]:
    """Play a whole run to a tracker: start, baseline, two generations, two arms, a file, the end (twice)."""
    generations = [generation(1), generation(2, kept=False)]
    tracker.start(RUN)
    tracker.metrics({"judge_ap": 0.5}, step=0)
    for made in generations:
        tracker.record(made)
    for name, score in ARMS:
        tracker.child(arm(name, score))
    tracker.tags(TOLD)
    tracker.attach(attached, "reports")
    tracker.finish(VERDICT, status)
    tracker.finish(None, "failed")
    return generations


def check_fits_the_protocol(tracker: Tracker) -> None:
    """A tracker has all methods of both protocols."""
    assert isinstance(tracker, RunTracker)
    assert isinstance(tracker, Store)


def check_leaves_records_alone(tracker: Tracker, attached: Path) -> None:
    """Neither arrays, dictionaries nor the attached file change when they are kept."""
    before = [plain_rows(generation(1)), to_record(generation(1)), attached.read_bytes()]
    kept = play(tracker, attached)[0]
    assert [plain_rows(kept), to_record(kept), attached.read_bytes()] == before


def check_has_nothing_to_complain_of(tracker: Store) -> None:
    """A tracker whose places all answer has kept everything."""
    assert tracker.complaints() == ()


def check_complains(tracker: Store, words: str) -> None:
    """What was not kept is said: each time one sentence on one line, with the way out."""
    said = tracker.complaints()
    assert any(words in each for each in said)
    assert all("\n" not in each and ": " in each for each in said)


def check_models(tracker: Tracker, kept: bool, attached: Path, files: Path) -> None:
    """A model is written once, into a new folder, and copied, or not written at all."""
    places: list[Path] = []

    def write(path: Path) -> None:
        assert not path.exists()
        path.mkdir()
        (path / "MLmodel").write_bytes(attached.read_bytes())
        places.append(path)

    tracker.start(RUN)
    tracker.keep_model(write)
    tracker.finish(None, "finished")
    assert len(places) == kept
    assert not any(place.exists() for place in places)
    assert (files / "model" / "MLmodel").is_file() == kept


def check_journal_holds_all(tracker: Tracker, folder: Path, attached: Path) -> None:
    """Records read back equal what was sent, in order, the status of the first finish stands, files are whole."""
    sent = play(tracker, attached, "interrupted")
    records = read_records(folder)
    kinds = ["start", "metrics", "generation", "generation", "child", "child", "tags", "attach", "finish"]
    assert [record["kind"] for record in records] == kinds
    assert {key: records[0][key] for key in RUN} == RUN
    for record, made in zip(records[2:4], sent, strict=True):
        expected = to_record(made)
        assert {key: record[key] for key in expected} == expected
        assert (folder / record["file"]).is_file()
    for record, (name, score) in zip(records[4:6], ARMS, strict=True):
        assert (record["name"], record["metrics"], record["curves"]) == (
            name,
            {"ap": score},
            {"score/ap": [0.4, score]},
        )
    assert records[-1]["status"] == "interrupted"
    assert records[-1]["verdict"]["sentence"] == VERDICT.sentence
    assert records[6]["values"] == TOLD
    assert (folder / records[7]["file"]).read_bytes() == attached.read_bytes()
    assert [record["time_ms"] for record in records] == sorted(record["time_ms"] for record in records)


def check_runs_mirror_the_run(runs: Sequence[Any], status: str) -> None:
    """Among MLflow's runs are one parent and one child per generation and arm, with the documented metric keys."""
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in runs if run not in parents}
    assert [run.info.status for run in parents] == [status]
    assert set(parents[0].data.metrics) == {
        *("judge_ap", "generations_kept", "judge_proven"),
        *("judge_difference", "judge_difference_low", "judge_difference_high"),
    }
    assert parents[0].data.params == {key: str(value) for key, value in RUN["params"].items()}  # type: ignore[attr-defined]
    assert TOLD.items() <= parents[0].data.tags.items()
    assert [each.dataset.name for each in parents[0].inputs.dataset_inputs] == ["cards"]
    assert parents[0].data.tags["judge_verdict"] == VERDICT.sentence
    assert set(children) == {"generation-001", "generation-002", *(name for name, _ in ARMS)}
    assert len(runs) == 1 + len(children)
    for name, run in children.items():
        assert run.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        assert RUN["tags"].items() <= run.data.tags.items()  # type: ignore[attr-defined]
        assert run.info.status == "FINISHED"
        generation = name.startswith("generation")
        shown = headline(dict.fromkeys(GENERATION_METRICS, 0.0))
        assert set(run.data.metrics) == (set(shown) if generation else {"ap", "score/ap"})
        assert not generation or run.data.params == {"seed": "7", "generation": name.removeprefix("generation-00")}
        assert run.info.end_time - run.info.start_time == (1750 if generation else 2500)


LAWS: tuple[Callable[[Tracker], None], ...] = (check_fits_the_protocol, check_has_nothing_to_complain_of)
RECORD_LAWS: tuple[Callable[[Tracker, Path], None], ...] = (check_leaves_records_alone,)
JOURNAL_LAWS: tuple[Callable[[Tracker, Path, Path], None], ...] = (check_journal_holds_all,)


def check_tracker(make: Callable[[Path], Tracker], *, journal: bool = False, models: bool = False) -> None:
    """Hold a tracker to the laws of trackers: a run of two generations and two arms is played to it.

    Parameters
    ----------
    make : callable
        Makes a tracker that may write into the folder it is given, which does not exist yet.
    journal : bool
        Whether the tracker keeps all records in this folder, as `loop.tracking.read_records` reads them.
    models : bool
        Whether it keeps models: then a copy of each is in ``files/model`` of this folder.

    Raises
    ------
    AssertionError
        With the first law that is broken, and what was seen.
    """
    with tempfile.TemporaryDirectory() as place:
        attached, folder = Path(place) / "report.txt", Path(place) / "run"
        attached.write_text("no proven gain")
        hold(LAWS, make(folder))
        hold(RECORD_LAWS, make(Path(place) / "records"), attached)
        hold((check_models,), make(Path(place) / "models"), models, attached, Path(place) / "models" / "files")
        if journal:
            hold(JOURNAL_LAWS, make(Path(place) / "journal"), Path(place) / "journal", attached)


def plain_rows(made: Generation) -> Any:
    """Return the arrays of a generation's rows as values that compare with ``==``."""
    table = made.rows
    arrays = (table.X, table.y, table.soft, table.weight, table.generation, table.supply, table.parents)
    return plain([None if array is None else array.tolist() for array in arrays])
