"""A queue for people: rows of a pool that a run's model would learn most from, an audit, and labels to check."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.csv_format import CsvFormat
from experiments.labels import store
from experiments.labels.before import Before
from experiments.labels.checks import checks, dropped
from experiments.labels.columns import ASK, AUDIT, PREFIX, TO_JUDGE, key, queue_of
from experiments.labels.label_studio import write_config, write_tasks
from experiments.labels.pool import Unlabelled, keys, unlabelled
from experiments.labels.queue_csv import write_csv
from experiments.run.inputs import RunInputs, learner_of, teacher_of
from experiments.run.resuming import inputs_again
from experiments.storage import run_folder
from learners import Committee, ExtraTrees, XGBoost
from loop.asking.choice import Asking, choose
from loop.asking.rounds import unlabelled as without_labels
from loop.cycle import checkpoint
from loop.errors import ConfigError, DataError
from loop.model import Model
from loop.protocols import Acquisition, Learner
from loop.rows import Rows
from loop.seeds import stream
from loop.supplies.acquisition import Entropy, Gap, HighestScore, Mixture, Uniform
from loop.supplies.pool import Pool
from loop.support.commands import command
from loop.types import Generation, Region, Table

ACQUISITIONS: Mapping[str, Callable[[], Acquisition]] = {
    "doubt": Entropy,
    "disagreement": Gap,
    "gap": Gap,
    "highest_score": HighestScore,
    "mixture": partial(Mixture, ("entropy", "gap", "highest_score")),
    "random": Uniform,
}
QUEUE, TASKS, VIEW = "queue.csv", "tasks.json", "label_studio.xml"


@dataclass(frozen=True)
class Wanted:
    """How many questions of which kind.

    Parameters
    ----------
    n : int
        Rows of the pool, those of the audit among them.
    acquisition : str
        Name among `ACQUISITIONS`.
    audit, spread, most_of_group
        As `loop.asking.choice.Asking` has them.
    price : str, optional
        Column of the pool that says what an answer costs.
    checks : int
        Given labels to be checked, at most.
    seed : int
    form : CsvFormat
        How the pool is written if it is a CSV.
    again : bool
        Ask again about rows that were asked about and have no answer.
    """

    n: int = 200
    acquisition: str = "doubt"
    audit: float = 0.1
    spread: int = 1
    most_of_group: int | None = None
    price: str | None = None
    checks: int = 20
    seed: int = 0
    form: CsvFormat = field(default_factory=CsvFormat)
    again: bool = False

    def asking(self) -> Asking:
        """Return the settings as the choice takes them."""
        return Asking(ACQUISITIONS[self.acquisition](), self.audit, self.spread, self.most_of_group)


@dataclass(frozen=True, eq=False)
class Queue:
    """What was written."""

    folder: Path
    frame: pd.DataFrame
    messages: tuple[str, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class _Run:
    """A finished run, as far as questions need it."""

    config: RunConfig
    inputs: RunInputs
    model: Model
    history: list[Generation]
    labels: Path


def labels_of(run_dir: Path, config: RunConfig) -> Path:
    """Return the folder of questions and answers: that of the run it goes on from, else its own."""
    return run_dir / store.LABELS if config.data.answers is None else Path(config.data.answers).parent


def ask_people(run_dir: Path, pool: Path, wanted: Wanted) -> Queue:
    """Choose questions and write them into the folder of the run: as CSV, and for Label Studio.

    Parameters
    ----------
    run_dir : Path
        Of a finished run.
    pool : Path
        File of rows without labels.
    wanted : Wanted

    Raises
    ------
    ConfigError, DataError
        If the run is not finished, its data have changed, or the pool or a setting breaks a rule.
    """
    run = _opened(run_dir)
    with run_folder.held(run.labels.parent):
        return _asked(run, run_dir, pool, wanted)


def _asked(run: _Run, run_dir: Path, pool: Path, wanted: Wanted) -> Queue:
    batches = store.batches(run.labels)
    before = Before.of(batches, store.answers(run.labels), wanted.again)
    rng = stream(wanted.seed, "queue", len(batches))
    shift_rng, choose_rng, fit_rng, check_rng = rng.spawn(4)
    made = [each.rows for each in run.history]
    rows = unlabelled(pool, run.inputs, Table.concat(made) if made else None, shift_rng, wanted.form)
    opinion = _opinion(run, rows, wanted, fit_rng)
    ids = keys(rows.frame, run.inputs.schema)
    chosen, told, new = _from_pool(run, rows, wanted, opinion, ids, before.open(ids), choose_rng)
    doubted, given = checks(run.inputs, wanted.checks, before.closed, check_rng)
    questions = pd.concat([doubted, before.shown(chosen[new])], ignore_index=True)
    messages = (*rows.messages, *before.told(ids))
    if questions.empty:
        how = "add new ones" if wanted.again else "add new ones, or --again for those without an answer"
        raise DataError(f"a queue must hold questions, and all rows of {pool} were asked about before: {how}.")
    columns = [name for name in run.inputs.dataset.frame if name in told]
    shown = pd.concat([given, told[new]])[columns]
    left_out = dropped(run.config.data, doubted, told[new])
    queue = queue_of(questions.drop(columns="chance"), pd.concat([left_out, shown.reset_index(drop=True)], axis=1))
    lines = pd.concat([doubted, chosen], ignore_index=True)
    batch = store.Batch(lines.assign(inclusion=lines["chance"]), pd.concat([given, told])[columns])
    schema = run.inputs.schema

    def write(folder: Path) -> None:
        write_csv(queue, folder / QUEUE)
        write_tasks(queue, folder / TASKS, schema.classes, schema.classes[schema.positive], run_dir.name)
        write_config(folder / VIEW, schema.classes)

    return Queue(store.add_batch(run.labels, batch, write), queue, messages)


def _opened(run_dir: Path) -> _Run:
    run_folder.fingerprint_of(run_dir)
    if not run_folder.finished(run_dir):
        raise ConfigError(
            f"a run must be finished before it asks, {run_dir} is not: {command('run', '--resume', run_dir)}"
        )
    config = load_config(RunConfig, run_folder.configuration(run_dir))
    inputs = inputs_again(run_dir, config)
    if inputs is None:
        raise DataError(f"the data of a run must be as they were, those of {run_dir} are not: run it again.")
    history = checkpoint.load(run_dir / run_folder.CHECKPOINTS, inputs.schema, run_folder.mark_of(run_dir))
    model = run_folder.load_model(run_dir / run_folder.MODEL)
    return _Run(config, inputs, model, history, labels_of(run_dir, config))


def _from_pool(
    run: _Run,
    rows: Unlabelled,
    wanted: Wanted,
    opinion: Pool,
    ids: np.ndarray,
    open_: np.ndarray,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Choose rows of the pool; return questions, the rows they ask about, and which of them people are to see (m,)."""
    chosen = choose(wanted.asking(), opinion, open_, wanted.n, rng, price=_price(rows.frame, wanted.price))
    at = np.concatenate([chosen.asked, chosen.audited])
    kinds = np.repeat([ASK, AUDIT], [len(chosen.asked), len(chosen.audited)])
    chance = np.concatenate([np.full(len(chosen.asked), np.nan), chosen.inclusion])
    score = opinion.learner[:, run.inputs.schema.positive]
    questions = pd.DataFrame(
        {
            "question": [PREFIX[kind] + name for kind, name in zip(kinds, ids[at], strict=True)],
            "kind": kinds,
            "reason": [_reason(kind, score[row], wanted) for kind, row in zip(kinds, at, strict=True)],
            "region": _regions(run.history, rows.rows.take(at)),
            "score": score[at],
            "inclusion": np.where(np.isnan(chance), 1.0, chance),
            "given": "",
            "chance": chance,
        }
    )
    new = open_[at] & ~questions["question"].map(key).duplicated().to_numpy()
    return questions, rows.frame.iloc[at], new


def _opinion(run: _Run, rows: Unlabelled, wanted: Wanted, rng: np.random.Generator) -> Pool:
    """Return the pool with the answers of the run's model and, where they are read, of a second model."""
    learner = run.model.calibration.apply(run.model.learner.predict_proba(rows.rows))
    second = None
    if getattr(wanted.asking().acquisition, "needs_teacher", True):
        second = _second(run, wanted).fit(run.inputs.train, rng).predict_proba(rows.rows)
    table = replace(without_labels(rows.rows, run.inputs.schema), unit=rows.unit)
    return Pool(table, learner, second)


def _second(run: _Run, wanted: Wanted) -> Learner:
    """Return what the run's model is compared with, unfitted: its teacher, or a model of another kind.

    A run that delivers its teacher has the learner for the other side of the gap.
    """
    if wanted.acquisition == "gap":
        if not isinstance(run.model.learner, Committee):
            return teacher_of(run.config, run.inputs.schema)
        return learner_of(run.config, run.inputs.schema)
    boosted = run_folder.storable(run.model.learner)[0] in ("xgboost", "catboost", "lightgbm")
    return ExtraTrees(max_features=0.5, min_leaf=2) if boosted else XGBoost()


def _price(frame: pd.DataFrame, column: str | None) -> np.ndarray | None:
    """Return the price of each row (N,), which must be above zero."""
    if column is None:
        return None
    if column not in frame:
        raise ConfigError(
            f"--price must be a column of the pool, got {column!r}: name one of {', '.join(map(str, frame))[:100]}."
        )
    price = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
    if not (np.isfinite(price) & (price > 0)).all():
        raise DataError(
            f"prices must be numbers above zero, and some in {column!r} are not: fill them or drop these rows."
        )
    return price


def _reason(kind: str, score: float, wanted: Wanted) -> str:
    """Say in words why a row is asked about."""
    if kind == AUDIT:
        return TO_JUDGE
    words = {
        "doubt": f"the model is unsure: {score:.0%}",
        "disagreement": f"two kinds of model disagree; this one says {score:.0%}",
        "gap": f"teacher and learner differ; the model says {score:.0%}",
        "highest_score": f"among the highest scores: {score:.0%}",
        "mixture": f"the model is unsure, two kinds disagree, or the score is high: {score:.0%}",
        "random": "drawn at random",
    }
    return words[wanted.acquisition]


def _regions(history: list[Generation], rows: Rows) -> list[str]:
    """Name for each row the worst weak region of the run that it lies in, "" = none."""
    seen: dict[str, Region] = {}
    for generation in history:
        seen |= {region.text: region for region in generation.regions if region.rule and region.text not in seen}
    names = np.full(len(rows), "", dtype=object)
    for text, region in reversed(seen.items()):
        names[region.contains(rows)] = text
    return [str(name) for name in names]
