"""The page of a run: one HTML file without scripts or network access, made from the folder of the run alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from pydantic import TypeAdapter, ValidationError

from experiments.arms.names import REAL_ONLY
from experiments.report import figures, record_shapes
from experiments.report.arrays import showing
from experiments.report.formatting import FILTERS, words
from experiments.report.mended import ANSWERS
from experiments.report.report import Report, checked, damaged
from experiments.storage import run_folder
from loop.data.parquet_file import read_frame
from loop.support import atomic
from loop.support.own_files import own_text
from loop.support.plain_json import Record
from loop.support.record_checks import Check, fields, text
from loop.support.strict_yaml import read_plain
from loop.support.visible import visible

PAGE, CURVES, SYNTHETIC = "report.html", "curves.json", "synthetic.parquet"
ARRAYS = "synthetic.npz"  # what synthetic rows have beside their columns; without arrays there is none
PICTURES = "pictures"
SAMPLE_ROWS, SAMPLE_COLUMNS = 12, 6
TRAIL = {
    "ws_generation": "generation",
    "ws_region": "region it was asked for",
    "ws_generator": "generator",
    "ws_labeller": "labeller",
    "ws_parents": "made from input rows",
}
DRIFT = {  # the measures in words
    "detection_auc": "a classifier tells new rows from real ones (AUC; 0.5 = not at all, 1 = always)",
    "coverage": "real rows with a new row near them (about 0.9 at best)",
    "rare_category_coverage": "rare categories that new rows hold too (1 = all)",
    "label_shift": "shift of the class shares (total variation; 0 = none)",
    "psi_mean": "population stability index, mean of the columns (above 0.25 counts as drift)",
    "psi_max": "population stability index, largest of the columns",
    "ks_max": "Kolmogorov-Smirnov distance, largest of the ordered columns (0 to 1)",
    "total_variation_max": "total variation, largest of the discrete columns (0 to 1)",
    "wasserstein_max": "Wasserstein distance, largest of the ordered columns (standard deviations)",
}
COUNTS = {
    "asked": "asked for",
    "short": "of these not delivered",
    "proposed": "proposed",
    "unchosen": "not chosen: little to learn from them",
}
WITHOUT = "restore it, or delete it and the page leaves that part out"


@dataclass(frozen=True)
class Settings:
    """The part of a configuration that the page interprets; the whole is shown as text."""

    loop: Record | None = None


def write_page(folder: Path) -> Path:
    """Write the page of a finished run into its folder and return its path.

    Nothing is fitted again. What is missing in the folder is left out with a sentence.

    Raises
    ------
    DataError
        If the folder holds no report, or a file of it is damaged.
    """
    atomic.write_text(path := folder / PAGE, render(folder))
    return path


def render(folder: Path) -> str:
    """Return the page of a run as HTML; raises DataError as `write_page` does."""
    report = Report.load(folder)
    return environment().get_template("report.html.j2").render(_values(report, folder))


def _values(report: Report, folder: Path) -> Record:
    """Gather what the template shows."""
    curves = _part(record_shapes.curves, folder / CURVES)
    config, seed = _config(folder / run_folder.CONFIG)
    digest = _part(fields({"training_rows": text}), folder / run_folder.FINGERPRINT) or {}
    return {
        "report": report,
        "run": folder.resolve().name,
        "pictures": _pictures(report, curves),
        "curves": curves,
        "mended_answers": ANSWERS,
        "counts": _by_generation(report.generations, "counts", _count_labels(report.generations)),
        "drift": _by_generation(report.generations, "drift", {f"drift/{name}": text for name, text in DRIFT.items()}),
        "seconds": _by_generation(report.generations, "seconds", _own_names(report.generations, "seconds")),
        "calibration": _calibration(report.arms, report.delivered),
        "step": _step(report.calibration),
        "sample": _sample(report, folder / SYNTHETIC),
        "shown_picture": showing.inlined(folder / PICTURES / showing.PICTURE),
        "shown_texts": _part(showing.check, folder / PICTURES / showing.RECORDS),
        "config": None if config is None else Markup(escape(visible(config, lines=True))),
        "seed": seed,
        "digest": digest.get("training_rows"),
    }


def _part(check: Check, path: Path) -> Any:
    """Read an optional JSON file; None if it is missing."""
    return checked(check, run_folder.read_json(path), path, WITHOUT) if path.is_file() else None


def _config(path: Path) -> tuple[str | None, object]:
    """Return the configuration as text, and its seed."""
    if not path.is_file():
        return None, None
    try:
        text = own_text(path)
        settings = TypeAdapter(Settings).validate_python(read_plain(text))
    except ValidationError as error:
        raise damaged(path, "it must hold keys and values", WITHOUT) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise damaged(path, error, WITHOUT) from error
    return text, (settings.loop or {}).get("seed")


def environment() -> Environment:
    """Return the environment of all pages: values are visible and escaped, and a missing one is an error."""
    environment = Environment(
        loader=PackageLoader("experiments"),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {each.__name__: each for each in FILTERS}
    return environment


def _seen(value: object) -> object:
    """Write out what would not be seen in text; markup is ours, and was made of such text."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _by_generation(generations: Sequence[Record], key: str, labels: Mapping[str, str]) -> list[Record]:
    """Turn one dict for each generation into table rows: a label and a value for each generation."""
    return [
        {"label": label, "values": [each[key].get(name) for each in generations]}
        for name, label in labels.items()
        if any(name in each[key] for each in generations)
    ]


def _count_labels(generations: Sequence[Record]) -> dict[str, str]:
    """Return the labels of the counts, in the order in which rows are refused."""
    names = _own_names(generations, "counts")
    refusals = {name: name for name in names if name.startswith("refused")}
    return {**COUNTS, **refusals, "kept": "passed all checks"}


def _own_names(generations: Sequence[Record], key: str) -> dict[str, str]:
    return {name: name for each in generations for name in each[key]}


def _calibration(arms: Sequence[Record], delivered: str) -> list[Record]:
    by_name = {arm["arm"]: arm for arm in arms}
    if not {REAL_ONLY, delivered} <= set(by_name):
        return []
    before, after = by_name[REAL_ONLY], by_name[delivered]
    return [
        {"label": words(name), "before": before[name], "after": after[name]}
        for name in record_shapes.CALIBRATION
        if name in before and name in after
    ]


def _step(calibration: Record) -> list[Record]:
    """Return each score before and after calibration, on judge and test rows; empty if the run has none."""
    return [
        {"label": words(name), "parts": [calibration[part][name] for part in ("judge", "test")]}
        for name in record_shapes.CALIBRATION
        if calibration and name in calibration["test"]
    ]


def _sample(report: Report, path: Path) -> Record | None:
    """Return some kept rows, evenly spread over the file: first the trail, then the columns used in rules."""
    if not path.is_file():
        return None
    try:
        frame = read_frame(path)
    except (OSError, ValueError) as error:
        raise damaged(path, error, WITHOUT) from error
    if frame.empty:
        return {"rows": [], "columns": [], "of": 0, "features": 0}
    rules = [region["text"] for generation in report.generations for region in generation["regions"]]
    features = [name for name in frame.columns if not str(name).startswith("ws_")]
    named = sorted(features, key=lambda name: -sum(str(name) in rule for rule in rules))[:SAMPLE_COLUMNS]
    proba = f"ws_p_{report.data['positive']}"
    titles = {**TRAIL, proba: f"probability of class {report.data['positive']}", **{name: str(name) for name in named}}
    places = sorted({round(i * (len(frame) - 1) / (SAMPLE_ROWS - 1)) for i in range(SAMPLE_ROWS)})
    columns = [name for name in titles if name in frame.columns]
    shown = frame.iloc[places][columns].to_numpy(dtype=object)
    return {
        "columns": [titles[name] for name in columns],
        "rows": [[_cell(name, value) for name, value in zip(columns, row, strict=True)] for row in shown],
        "of": len(frame),
        "features": len(features),
    }


def _cell(column: str, value: object) -> str:
    if column == "ws_parents" and not value:
        return "none in particular"
    if pd.isna(value):  # type: ignore[call-overload]
        return "missing"
    return f"{value:.{3 if column.startswith('ws_p_') else 6}g}" if isinstance(value, float) else str(value)


def _pictures(report: Report, curves: Record | None) -> dict[str, Markup]:
    """Draw the figures whose data the folder holds."""
    drawn = {} if curves is None else {"caught": _caught(report, curves)}
    positive = str(report.data["positive"])
    if report.generations:
        drawn["score"] = _picture(
            lambda: figures.score_over_generations(report.generations),
            "score",
            "Score over generations",
            f"Average precision{report.macro} of champion and challengers on the judge rows; "
            "the table below holds the numbers.",
        )
    if report.patterns:
        drawn["patterns"] = _picture(
            lambda: figures.stated_patterns(report.patterns),
            "patterns",
            "Stated patterns: what is caught of rows held back",
            "Share caught by the learner on real rows alone and with stated rows; the table below holds the numbers.",
        )
    if curves is not None:
        before, after = (f"{curves[arm]['average_precision']:.3f}" for arm in ("before", "after"))
        drawn["precision_recall"] = _picture(
            lambda: figures.precision_recall(curves, positive),
            "precision-recall",
            "Precision against recall on the test rows",
            f"Average precision{report.one_class} {before} before and {after} after; "
            "the table below holds matched points.",
        )
        drawn["cost"] = _picture(
            lambda: figures.cost(curves),
            "cost",
            "Cost of alerts and misses on the test rows",
            "Cost by what a miss costs, from 1 to 1000 false alarms; 1 is the cost without any model.",
        )
        drawn["reliability"] = _picture(
            lambda: figures.reliability(curves, positive),
            "reliability",
            "Reliability diagram on the test rows",
            "Observed share against stated probability, before and after; the table below holds the scores.",
        )
    return drawn


def _caught(report: Report, curves: Record) -> Markup:
    """Draw the one picture of the summary."""
    at = report.alerts_on_test
    return _picture(
        lambda: figures.caught_by_alerts(curves, str(report.gain["against"]), report.delivered, at),
        "caught",
        "What is caught at the same number of alerts, on the test rows",
        f"Share of the rows to catch by number of alerts; the line stands at {at:,.0f} alerts.",
    )


def _picture(draw: Callable[[], Any], name: str, title: str, description: str) -> Markup:
    return Markup(figures.inline_svg(draw(), name, title, description))  # safe: serialised from a tree
