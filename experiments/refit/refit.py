"""From a finished run on a sample to a model fitted on all rows of its folder, judged and tested like the run's own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.files import Reading
from experiments.data.partitions import numbers_drawn, row_groups
from experiments.refit.candidates import Candidate, Tested, chosen, tested
from experiments.refit.held import Held
from experiments.refit.seeing import SeenGroup, look_at_all
from experiments.refit.shards import Fit
from experiments.refit.together import fitted
from experiments.report.progress import Stages
from experiments.report.report import Report
from experiments.run.inputs import RunInputs
from experiments.run.resuming import inputs_again
from experiments.run.sealed_figures import calibration_of
from experiments.storage import run_folder
from learners import XGBoost
from loop.cycle import checkpoint
from loop.cycle.lanes import Lane, lanes
from loop.data.encoding import encode
from loop.data.widening import exact, recoded
from loop.errors import ConfigError, DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.model import Model
from loop.support.commands import command
from loop.support.parallel.side_by_side import side_by_side
from loop.types import Schema, Table

PLAIN = "all rows"
PARTS = 32  # of the first pass: each takes the held rows with it


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run on a sample of a folder, with what is needed of it."""

    folder: Path
    config: RunConfig
    inputs: RunInputs
    lane: Lane  # whose judge rows are held out
    new_rows: Table | None  # kept rows of that lane, which were made without its judge rows

    @property
    def reading(self) -> Reading:
        """How the folder is read."""
        data = self.config.data
        return Reading(data.format, data.drop, rows_in_memory=data.rows_in_memory)


@dataclass(frozen=True, eq=False)
class Refit:
    """The model of all rows, and what came out."""

    model: Model
    tested: Tested
    files: int
    rows: int  # in the folder
    fitted: int  # of them
    seconds: float


def refit(folder: Path, console: Console) -> Refit:
    """Fit the learner of a finished run on all rows of its folder, with and without the kept rows of the loop.

    Parameters
    ----------
    folder : Path
        Of the run.
    console : Console

    Raises
    ------
    ConfigError, DataError
        If it is no finished run of XGBoost on a folder of Parquet files, the files have changed, or one breaks a rule.
    WeakspotError
        If workers are lost for good.
    """
    started = time.perf_counter()
    config = _config_of(folder)
    with Stages(console, total=5) as stages:
        stages.begin("sample")
        run = _finished(folder, config)
        stages.end(f"{len(run.inputs.dataset.frame):,} rows")
        stages.begin("all rows, looked at")
        groups = _looked_at(run)
        schema = exact(run.inputs.schema, [each.seen for each in groups])
        rows, fits = sum(each.group.rows for each in groups), sum(each.seen.rows for each in groups)
        stages.end(f"{fits:,} of {rows:,} rows to fit on")
        models = [_candidate(run, groups, schema, None, stages)]
        if run.new_rows is not None:
            models.append(_candidate(run, groups, schema, recoded(run.new_rows, schema), stages))
        stages.begin("judge rows and test rows")
        judged, answers = _judge(run, schema, models)
        own = run_folder.load_model(folder / run_folder.MODEL)
        choice = chosen(models, judged, answers, config.loop.seed)
        learner = models[choice.at].learner
        calibration = calibration_of(config.calibration.method, judged, answers[choice.at], config.loop.seed)
        test = _encoded(run, schema, run.inputs.test)
        sample = own.predict_proba(run.inputs.dataset.frame.iloc[run.inputs.test.row_number])
        found = tested(models, choice, JudgeRows.of(test), test.rows, sample, config.loop.seed)
        stages.end()
    files = len({each.group.path for each in groups})
    seconds = time.perf_counter() - started
    return Refit(Model(schema, learner, calibration), found, files, rows, fits, seconds)


def _config_of(folder: Path) -> RunConfig:
    run_folder.fingerprint_of(folder)
    if not run_folder.finished(folder):
        raise ConfigError(f"a run must be finished, {folder} is not: go on with {command('run', '--resume', folder)}")
    config = load_config(RunConfig, run_folder.configuration(folder))
    source = config.data.source
    if not Path(source).is_dir():
        raise ConfigError(
            f"the data of the run must be a folder of Parquet files, got {source}: its model has all rows."
        )
    if not isinstance(config.learner.make(), XGBoost):
        raise ConfigError(
            f"the learner of the run must be xgboost to be fitted on all rows, got {config.learner.name}: run the loop "
            "with --learner xgboost."
        )
    if config.data.answers is not None:
        raise ConfigError("a run must have no answers to be fitted on all rows, and this one has: name an earlier run.")
    return config


def _finished(folder: Path, config: RunConfig) -> Finished:
    inputs = inputs_again(folder, config)
    if inputs is None:
        raise DataError(f"the files of {config.data.source} must be as the run found them, and differ: run it again.")
    lane = lanes(inputs.folds, inputs.train.judging)[0]
    history = checkpoint.load(folder / run_folder.CHECKPOINTS, inputs.schema, run_folder.mark_of(folder))
    used = {each["supply"] for each in Report.load(folder).supplies if each["kept"]}
    kept = [each.lane_rows[lane.index] for each in history if each.decision.kept and each.supply in used]
    return Finished(folder, config, inputs, lane, Table.concat(kept) if kept else None)


def _looked_at(run: Finished) -> list[SeenGroup]:
    """Look at all rows, group by group; the first pass."""
    inputs, data = run.inputs, run.config.data
    groups = row_groups(Path(data.source))
    apart = data.group is not None or inputs.dataset.time is None  # as in `experiments.run.inputs.gather`
    held = Held.of(inputs, run.lane, numbers_drawn(groups, data.rows_in_memory), apart)
    parts = np.array_split(np.arange(len(groups)), min(len(groups), PARTS))
    work = partial(look_at_all, schema=inputs.schema, held=held, reading=run.reading)
    found = side_by_side(work, [[groups[at] for at in part] for part in parts], run.config.loop.jobs)
    return [each for part in found for each in part]


def _candidate(
    run: Finished, groups: Sequence[SeenGroup], schema: Schema, new_rows: Table | None, stages: Stages
) -> Candidate:
    """Fit the learner on all rows, and new rows if there are some; each tree sees all of them."""
    plain = run.config.learner.make()
    grown = run.config.augmented_learner.make(run.config.learner) or plain
    learner = plain if new_rows is None else grown
    if not isinstance(learner, XGBoost):
        raise ConfigError(f"the augmented learner of the run must be xgboost, got {type(learner).__name__}: change it.")
    learner = replace(
        learner, row_share=1.0
    )  # each worker would draw from its own rows, and trees depend on their number
    name = PLAIN if new_rows is None else f"{PLAIN} and {len(new_rows):,} new rows"
    real = recoded(run.inputs.train.take(run.lane.fit), schema)
    sample = [each for each in (real, new_rows, _ends(real, schema)) if each is not None]
    fit = Fit(name, learner, Table.concat(sample), run.reading, run.config.loop.seed)
    stages.begin(name)
    began = time.perf_counter()
    found = fitted(fit, groups, new_rows)
    stages.end()
    return Candidate(name, found, time.perf_counter() - began)


def _ends(sample: Table, schema: Schema) -> Table | None:
    """Return two rows with the ends of the columns that the sample does not reach, None if it reaches them all.

    The bins of XGBoost then hold the whole range, and all categories.
    """
    ends = np.array([[column.low, column.high] for column in schema.columns]).T  # (2, d)
    reached = np.array([np.fmin.reduce(sample.X), np.fmax.reduce(sample.X)])  # these pass over missing values
    rows = np.where(ends == reached, np.nan, ends)
    return None if np.isnan(rows).all() else Table.real(rows, sample.y[:2], schema)


def _judge(run: Finished, schema: Schema, models: Sequence[Candidate]) -> tuple[JudgeRows, list[np.ndarray]]:
    """Return the judge rows, and the answers (j, K) of each model."""
    rows = _encoded(run, schema, run.inputs.train.take(run.lane.judge))
    return JudgeRows.of(rows), [each.learner.predict_proba(rows.rows) for each in models]


def _encoded(run: Finished, schema: Schema, table: Table) -> Table:
    """Encode rows of the sample by the schema of all rows."""
    rows = encode(schema, run.inputs.dataset.frame.iloc[table.row_number])
    return replace(rows.numbered(table.row_number), unit=table.unit, judging=table.judging)
