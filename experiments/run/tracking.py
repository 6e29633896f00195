"""Trackers of a run, and the parameters and tags that they record."""

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.arms.names import LOOP
from experiments.config.data_config import NONE
from experiments.config.run_config import RunConfig
from experiments.config.strategies import STRATEGIES, loop_name
from experiments.data.sources import stamp_of
from experiments.report.console import say
from experiments.run.inputs import RunInputs
from experiments.storage import run_folder
from experiments.storage.result_cache import digest
from experiments.trust.provenance.record import Provenance
from generators import GENERATORS
from learners import LEARNERS
from loop.cycle.parts import Parts
from loop.protocols import Store, Tracker
from loop.support.commands import AUTO, tracking_words
from loop.support.plain_json import Record
from loop.support.visible import visible
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, load_settings
from loop.tracking.records import dataset_record

DEFAULT = Path("mlflow.yaml")
TRAIN, TEST = "train", "test"  # sides of the split
USUAL = "usual"  # part for rows with arrays, before they are read


def settings_of(tracking: str) -> MlflowSettings | None:
    """Return the settings of MLflow from a file, ``mlflow.yaml`` in the working folder or defaults; None = no tracking.

    Raises
    ------
    ConfigError
        If the file breaks a rule.
    """
    if tracking == NONE:
        return None
    if tracking != "auto":
        return load_settings(Path(tracking))
    if DEFAULT.is_file():
        return load_settings(DEFAULT)
    default = MlflowSettings()
    return MlflowSettings(os.environ.get("MLFLOW_TRACKING_URI") or default.tracking_uri)


def open_tracker(settings: MlflowSettings | None, folder: Path, tracking: str = AUTO) -> Tracker:
    """Return a tracker that writes a journal in the folder and, if there are settings, sends it to MLflow.

    ``tracking`` is where the settings are from, for the command that sends the journal later.
    """
    local = JsonlTracker(folder / run_folder.JOURNAL, again=True)
    return local if settings is None else MlflowTracker(settings, local, tracking_words(tracking))


def describe(config: RunConfig, inputs: RunInputs, parts: Parts, folder: Path) -> Mapping[str, object]:
    """Return name, parameters, tags and tables of a run in the form that trackers take."""
    params, source = shared_params(config), short_name(config.data.source)
    params["strategy"] = loop_name(config.loop.strategy, parts.supplies).removeprefix(LOOP)
    if inputs.schema.arrays:  # their usual parts are known only now
        generator = parts.supplies[-1].generator
        params |= {"learner": LEARNERS.name_of(type(parts.learner)), "generator": GENERATORS.name_of(type(generator))}
    tags = {name: str(params[name]) for name in ("strategy", "learner", "seed")}
    tags |= {"dataset": inputs.dataset.name, "folder": folder.name, "weakspot": version("weakspot")}
    made_from = Provenance.read(folder)
    tags |= {} if made_from is None else made_from.tags
    return {
        "name": visible(" · ".join((source, str(params["strategy"]), f"seed {params['seed']}"))),
        "params": params | dict(flat(config.model_dump(mode="json"))),
        "tags": tags,
        "datasets": tables_of(inputs),
    }


def shared_params(config: RunConfig) -> dict[str, object]:
    """Return the parameters that every run and child has, under short names, so that runs of any kind compare."""
    strategy = config.loop.strategy
    return {
        "strategy": strategy,
        "seed": config.loop.seed,
        "source": short_name(config.data.source),
        "generator": config.generator.name or (USUAL if config.data.has_arrays else STRATEGIES[strategy].generator),
        "budget": config.loop.budget,
        "learner": USUAL if config.data.has_arrays and not config.learner.is_told else config.learner.name,
    }


def short_name(source: str) -> str:
    """Return a source in short: a file without folders and ending, a named source without scheme or settings.

    Examples
    --------
    >>> [short_name(each) for each in ("data/payments.csv", "suite:oil_spill", "simulation:days=45,customers=200")]
    ['payments', 'oil_spill', 'simulation']
    """
    scheme, _, rest = source.partition(":")
    if rest and "/" not in scheme:
        return scheme if "=" in rest else rest
    return Path(source).name.partition(".")[0] or source


def source_record(source: str, name: str = "") -> Record:
    """Return a source that is not read yet, as trackers take a table that a run works on."""
    return dataset_record(name or short_name(source), digest([source, stamp_of(source)])[:16], source, "training", {})


def tables_of(inputs: RunInputs, parts: Sequence[str] = (TRAIN, TEST)) -> list[Record]:
    """Return sides of the split, each with its columns and counts, as trackers take them."""
    return [_table(inputs, part) for part in parts]


def _table(inputs: RunInputs, part: str) -> Record:
    table, schema = inputs.train if part == TRAIN else inputs.test, inputs.schema
    kinds = {column.name: column.kind for column in schema.columns} | {schema.target: "categorical"}
    rows, positives = len(table), int((table.y == schema.positive).sum())
    source, context = inputs.dataset.name, {TRAIN: "training", TEST: "sealed test"}[part]
    name, mark = f"{short_name(source)} {part}", run_folder.fingerprint(table, np.zeros(rows, dtype=np.int64))[:16]
    return dataset_record(name, mark, source, context, kinds, num_rows=rows, num_positives=positives)


def flat(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested settings under dotted names; None, empty lists and mappings are left out.

    Parts of dates are one value, as columns may have names that parameters may not.
    """
    for key, value in content.items():
        if isinstance(value, Mapping) and value and key == "date_parts":
            yield f"{prefix}{key}", "; ".join(f"{column}: {', '.join(parts)}" for column, parts in value.items())
        elif isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        elif value is not None and value != []:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else value


def tell(tracker: Store, console: Console) -> None:
    """Print what the tracker could not record."""
    for sentence in tracker.complaints():
        say(console, sentence, "yellow")
