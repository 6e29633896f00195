"""A search over the settings of the loop: score against cost, the winner as a configuration, and its optimism."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial
from rich.console import Console
from rich.progress import Progress

from experiments.arms.scoring import SCORE
from experiments.config.reader import dump
from experiments.data.files import write_table
from experiments.report.console import say
from experiments.run.inputs import RunInputs, gather
from experiments.run.tracking import (
    TRAIN,
    flat,
    open_tracker,
    settings_of,
    shared_params,
    short_name,
    tables_of,
    tell,
)
from experiments.run.verdict import NOTE
from experiments.scale.cluster import on_workers
from experiments.scale.workers import Workers
from experiments.storage import run_folder
from experiments.storage.result_cache import digest
from experiments.tune.batches import search_in_batches
from experiments.tune.config import TuneConfig
from experiments.tune.repeats import SAME_AS, caps
from experiments.tune.report import changes_in_words, front_in_markdown, front_table, headline, started, winner
from experiments.tune.sealed_test import Optimism, open_test
from experiments.tune.storage import check_apart, guarded
from experiments.tune.study import Look, fail_stale, finished, open_study, search
from experiments.tune.trial import Lanes
from loop.errors import ConfigError
from loop.protocols import Child, Store
from loop.support import atomic
from loop.support.parallel.side_by_side import place_of_work
from loop.support.plain_json import Record
from loop.support.signals import undisturbed
from loop.support.visible import in_markdown
from loop.tracking.autologging import unlogged
from loop.tracking.jsonl import read_records

PREFIX = "tune-"  # of the names of folders
WINNER, TRIALS = "winner.yaml", "trials.csv"  # files of the folder

Headline = Mapping[str, float | int]


def tune(config: TuneConfig, console: Console, workers: int = 1) -> Headline:
    """Search, open the test rows once for start and winner, print the front and, last, one line of JSON; return it.

    The search itself never receives test rows. It is kept in a study whose name depends on all settings that affect
    trials: after Ctrl-C, or with more ``trials``, the same command continues it, and so do other machines with the same
    ``storage``. The folder ``out/tune-NAME`` gets ``winner.yaml``, which a run takes, and ``trials.csv``.

    Parameters
    ----------
    config : TuneConfig
    console : Console
    workers : int
        Processes that run trials side by side; with several, each runs its lanes one after the other. With ``scale``
        its workers run the trials, see `experiments.tune.batches`.

    Returns
    -------
    mapping of str to number
        The figures of the last line.

    Raises
    ------
    WeakspotError
        If configuration or data break a rule, or another process works in the folder.
    """
    config.scale.check_alone("--workers", workers)
    with on_workers(config.scale):
        return _tune(config, console, workers)


def _tune(config: TuneConfig, console: Console, workers: int) -> Headline:
    tracking = settings_of(config.tracking)
    check_apart(config, None if tracking is None else tracking.tracking_uri)
    materials = [gather(source, config.loop) for source in config.sources]
    tables = [Lanes(each.train, each.folds) for each in materials]
    seen = [record for each in materials for record in tables_of(each, (TRAIN,))]  # the test rows stay sealed
    folder = place_of(config, tables)
    name = folder.name.removeprefix(PREFIX)
    for sentence in caps(config, [table.sizes for table in tables]):
        say(console, sentence)
    folder.mkdir(atomic.PRIVATE, parents=True, exist_ok=True)
    with unlogged(), run_folder.held(folder), guarded(config):
        (folder / run_folder.MARKER).unlink(missing_ok=True)
        atomic.write_text(folder / run_folder.CONFIG, yaml.safe_dump(_content(config), sort_keys=False))
        study = open_study(config, folder, name)
        fail_stale(study, config, folder)
        tracker, status = open_tracker(tracking, folder, config.tracking), "failed"
        tracker.start(_begun(config, folder, seen))
        try:
            with _watching(study, config, tracker, folder, console, seen) as look:
                _search(config, tables, folder, study, workers, look)
            best, optimism, result = _conclude(study, config, materials, folder, tracker)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            kept = (
                f"Interrupted; {len(finished(study))} trials are kept in {folder}: the same command goes on with them."
            )
            say(console, kept)
            raise
        finally:
            with undisturbed():
                tracker.finish(None, status)
        console.print(front_table(study, config, best))
        for sentence in (*optimism.sentences, f"winner: {folder / WINNER}, for weakspot run"):
            say(console, sentence)
        atomic.write_json(folder / run_folder.MARKER, {"status": status, **result})
        tell(tracker, console)
    print(json.dumps(result))
    return result


def place_of(config: TuneConfig, tables: Sequence[Lanes]) -> Path:
    """Return the folder of a search; its name, which its study has, too, depends on all that trials depend on."""
    name = digest([config.identity(), *(run_folder.fingerprint(each.train, each.folds) for each in tables)])
    return config.out / f"{PREFIX}{name}"


def _conclude(
    study: optuna.Study, config: TuneConfig, materials: Sequence[RunInputs], folder: Path, tracker: Store
) -> tuple[FrozenTrial, Optimism, Headline]:
    """Choose the winner, save it before the test rows are opened, and measure its optimism."""
    best = winner(study, config)
    atomic.write_text(folder / WINNER, dump(config.run_of(config.values(best.params), config.sources[0])))
    write_table(study.trials_dataframe(), folder / TRIALS)
    optimism = open_test(study, config, materials, started(study, config), best)
    result = headline(study, config, best, optimism)
    tracker.metrics(result)
    first, *others = map(in_markdown, optimism.sentences)
    told = "\n\n".join(
        (f"**{first}**", *others, f"Winner: trial {best.number}.", front_in_markdown(study, config, best))
    )
    found = f"trial {best.number} ({best.values[0]:.3f}); changes: {changes_in_words(best, config)}"
    tracker.tags({"verdict": optimism.sentences[0], "best": found, NOTE: told})
    for file in (WINNER, TRIALS):
        tracker.attach(folder / file)
    return best, optimism, result


def _content(config: TuneConfig) -> dict[str, Any]:
    """Return the configuration to repeat the search, without the storage, which may hold a password."""
    return config.model_dump(mode="json", exclude={"storage"})


def _begun(config: TuneConfig, folder: Path, seen: Sequence[Record]) -> Mapping[str, object]:
    """Return name, parameters, tags and tables in the form that trackers take; of sources and space only the names."""
    sources = [source.source for source in config.sources]
    content = {**_content(config), "sources": ", ".join(sources), "space": ", ".join(config.dimensions)}
    return {
        "name": f"tune · {', '.join(map(short_name, sources))} · seed {config.loop.seed}",
        "params": _shared(config, {}) | dict(flat(content)),
        "tags": {"weakspot": version("weakspot"), "command": "tune", "folder": folder.name},
        "datasets": seen,
    }


def _shared(config: TuneConfig, values: Mapping[str, Any]) -> dict[str, object]:
    """Return the parameters that every run has, with all sources of the search."""
    told = [shared_params(config.run_of(values, source)) for source in config.sources]
    return told[0] | {"source": ", ".join(dict.fromkeys(str(each["source"]) for each in told))}


def _search(
    config: TuneConfig, tables: Sequence[Lanes], folder: Path, study: optuna.Study, workers: int, look: Look
) -> None:
    """Search on Dask's workers, if they are the place of work, or else in so many processes."""
    if isinstance(place := place_of_work(), Workers):
        search_in_batches(config, tables, folder, study, place, look)
    else:
        search(_in_workers(config, workers), tables, folder, study, workers, look)


def _in_workers(config: TuneConfig, workers: int) -> TuneConfig:
    """Return the configuration with one job for each of several workers; the scores do not depend on jobs."""
    if workers == 1:
        return config
    return config.model_copy(update={"loop": config.loop.model_copy(update={"jobs": 1})})


@contextmanager
def _watching(
    study: optuna.Study, config: TuneConfig, tracker: Store, folder: Path, console: Console, seen: Sequence[Record]
) -> Iterator[Look]:
    """Print each finished trial and record it as a child run; yields the function to call for new ones."""
    recorded = {record["name"] for record in read_records(folder / run_folder.JOURNAL) if record["kind"] == "child"}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("trials", total=config.trials)

        def look() -> None:
            done = finished(study)
            progress.update(task, completed=len(done))
            for trial in done:
                if (name := f"trial {trial.number}") not in recorded:
                    recorded.add(name)
                    _record(tracker, config, name, trial, seen)
                    say(console, f"{name}: {_note(trial)}")

        look()
        yield look


def _record(tracker: Store, config: TuneConfig, name: str, trial: FrozenTrial, seen: Sequence[Record]) -> None:
    attributes = trial.user_attrs
    scored = {f"judge_{SCORE}": float(trial.values[0])} if trial.values else {}  # MLflow draws the first metric
    metrics = scored | {"seconds": float(attributes["seconds"])}
    tags = {
        "state": trial.state.name.lower(),
        "error": attributes.get("error", ""),
        "changes": changes_in_words(trial, config),
    }
    values = config.values(trial.params)
    params: dict[str, object] = {key: "none" if value is None else value for key, value in values.items()}
    with suppress(ConfigError):  # values that no run accepts: such a trial failed
        shared = _shared(config, values)
        params = shared | {key: each for key, each in params.items() if key.removeprefix("loop.") not in shared}
    took = trial.duration.total_seconds() if trial.duration else float(attributes["seconds"])
    curves = {f"running_{SCORE}": list(attributes["running"].values())}
    told = {key: text for key, text in tags.items() if text}
    tracker.child(Child(name, params, metrics, told, curves, took, seen))


def _note(trial: FrozenTrial) -> str:
    attributes = trial.user_attrs
    if SAME_AS in attributes:
        return f"the same as trial {attributes[SAME_AS]}, not tried again"
    if trial.values:
        score, seconds = trial.values
        return f"average precision {score:.4f} for {seconds:.1f} s"
    if "error" in attributes:
        return f"failed: {attributes['error']}"
    return f"stopped early at {list(attributes['running'].values())[-1]:.4f} after {attributes['seconds']:.1f} s"
