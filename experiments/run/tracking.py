"""Trackers of a run, and the parameters and tags that they record."""

import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from experiments.config.data_config import NONE
from experiments.config.run_config import RunConfig
from experiments.run.inputs import RunInputs
from experiments.storage import run_folder
from loop.protocols import Store, Tracker
from loop.support.commands import AUTO, tracking_words
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker, load_settings

DEFAULT = Path("mlflow.yaml")


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


def describe(config: RunConfig, inputs: RunInputs, name: str) -> Mapping[str, object]:
    """Return name, parameters and tags of a run in the form that trackers take."""
    tags = {
        "dataset": inputs.dataset.name,
        "strategy": config.loop.strategy,
        "learner": config.learner.name,
        "seed": str(config.loop.seed),
        "weakspot": version("weakspot"),
    }
    return {"name": name, "params": dict(flat(config.model_dump(mode="json"))), "tags": tags}


def flat(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested settings under dotted names; None and empty lists are left out."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        elif value is not None and value != []:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else value


def tell(tracker: Store, console: Console) -> None:
    """Print what the tracker could not record."""
    for sentence in tracker.complaints():
        console.print(sentence, style="yellow", highlight=False, markup=False, soft_wrap=True)
