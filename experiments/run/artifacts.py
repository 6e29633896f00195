"""The output of a finished run: the report, files for people, records for the tracker."""

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from experiments.arms.names import REAL_ONLY
from experiments.arms.scoring import Scored
from experiments.config.run_config import RunConfig
from experiments.data.files import write_table
from experiments.data.simulation.simulation import judge
from experiments.data.sources import simulation
from experiments.report import figure_style, html
from experiments.report import figures as report_figures
from experiments.report.arrays import showing
from experiments.report.curve_points import before_and_after, curve
from experiments.report.report import Report
from experiments.run.inputs import RunInputs
from experiments.run.kept_rows import Kept
from experiments.run.mlflow_model import save_model
from experiments.run.result import Result
from experiments.run.sealed_figures import answer_metrics
from experiments.run.verdict import NOTE, description, improves, verdict_tags
from experiments.trust import card
from experiments.trust.provenance.record import Provenance
from loop.cycle.driver import LoopRun
from loop.cycle.generation_codec import to_record
from loop.evaluation.judge_rows import JudgeRows
from loop.frames import regions_frame
from loop.model import Model
from loop.protocols import Store
from loop.seeds import stream
from loop.support import atomic
from loop.support.plain_json import Record, plain
from loop.tracking.records import figures_table, headline, judge_metrics, score_metrics, verdict_record
from loop.types import Generation, Interval, Table

FILES = (
    *("report.html", "report.json", "curves.json", "arms.csv", "regions.csv", "synthetic.parquet", html.ARRAYS),
    *("pictures", "config.yaml", "data.json", "provenance.json", "croissant.json", card.FILE),
)
FIGURES = "figures.csv"  # every figure of the run by name; those under plain names are metrics in MLflow
WHEN = ("before", "after")
ANSWERED = ("rows", "audited", *WHEN)  # figures of the labels that were asked for
WORDS = ("arm", "note", "cheap", "plain")  # of an arm, what is no figure
# The numbers depend on the versions of these, as far as they are installed.
SOFTWARE = ("weakspot", "numpy", "pandas", "scikit-learn", "xgboost", "torch", "catboost", "lightgbm")


def write_up(
    config: RunConfig,
    inputs: RunInputs,
    result: Result,
    answers: Record,
    kept: Kept,
    seconds: float,
) -> Report:
    """Make the report of a run.

    Parameters
    ----------
    config : RunConfig
    inputs : RunInputs
    result : Result
        The finished loop, its arms on the test rows, and the decision.
    answers : Record
        See `experiments.run.sealed_figures.answer_records`.
    kept : Kept
        The rows that the final learner is fitted on beside real ones.
    seconds : float
        Wall-clock seconds of the run.
    """
    looped, after = result.looped, result.judge_scores(inputs.train)
    supplies = _supplies(looped)
    return Report(
        data=_data_record(inputs),
        recall_at_precision=config.metrics.recall_at_precision,
        generations=[to_record(generation) for generation in looped.history],
        verdict=verdict_record(looped.outcome.verdict) or {},
        arms=[plain(each.row()) for each in result.scored],
        gain=plain(asdict(result.gain)),
        loop_gain=plain(asdict(result.loop_gain)),
        delivery=plain(asdict(result.delivery)),
        planted=_planted(config.data.source, inputs.train, looped.history),
        supplies=supplies,
        card=kept.data_card(supplies, inputs, answers.get("audit", {})),
        patterns=_patterns(looped),
        seconds=seconds,
        judge={
            "before": plain(_dicts(looped.outcome.baseline)),
            "after": plain(_dicts(after)),
        },
        software={"python": platform.python_version(), **_versions()},
        **answers,
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in SOFTWARE:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def keep_files(report: Report, result: Result, inputs: RunInputs, kept: Kept, folder: Path) -> None:
    """Write report, tables, curves, figures and the page into the folder of the run."""
    looped = result.looped
    report.save(folder)
    write_table(pd.DataFrame(report.arms), folder / "arms.csv")
    write_table(regions_frame(looped.history), folder / "regions.csv")
    kept.write(report, folder)
    atomic.write_json(folder / html.CURVES, curves := _curves(report, result.scored, inputs))
    _draw(report, result, curves, inputs, folder / html.PICTURES)
    html.write_page(folder)


def keep_records(  # Wide: what a run made, and where it is kept
    report: Report,
    result: Result,
    model: Model,
    inputs: RunInputs,
    made_from: Provenance | None,
    tracker: Store,
    folder: Path,
) -> None:
    """Send files, headline figures and the model to the tracker."""
    figures = _figures(report, result.looped)
    tracker.metrics(judge_metrics(_dicts(result.looped.outcome.baseline)))
    tracker.metrics(headline(figures))
    write_table(figures_table(figures), folder / FIGURES)
    told = verdict_tags(report)
    tracker.tags({**told, NOTE: description(report)})
    for name in (*FILES, FIGURES):
        if (folder / name).exists():  # a run that an earlier version began lacks what it did not write
            tracker.attach(folder / name)
    tracker.keep_model(
        lambda path: save_model(model, inputs.example, path, made_from),
        description(report),
        told,
        proven=improves(report),
    )


def _figures(report: Report, looped: LoopRun) -> Mapping[str, float]:
    """Return the figures of the run as a whole, those for a page under plain names, others grouped by a prefix."""
    gain, arms = report.gain["difference"], {str(arm["arm"]): arm for arm in report.arms}
    delivered = arms[report.delivered]
    figures = {
        **_under("real_only", score_metrics(_dicts(looped.outcome.baseline))),
        **_under("final", score_metrics(_dicts(looped.outcome.scores))),
        "test_average_precision": delivered["average_precision"],
        **{f"test_{name}": delivered[name] for name in ("recall_at_fpr_01", report.recall_at_precision)},
        **{name: delivered[name] for name in ("seconds_per_million", "megabytes") if delivered[name] is not None},
        "test_average_precision_best_plain": arms[report.gain["against"]]["average_precision"],
        "test_gain_over_best_plain": gain["estimate"],
        "test_gain_over_best_plain_low": gain["low"],
        "test_gain_over_best_plain_high": gain["high"],
        "test_proven": report.gain["proven"],
        **_under("loop_gain", {end: report.loop_gain["difference"][end] for end in ("estimate", "low", "high")}),
        "seconds": report.seconds,
        **answer_metrics(report.operating, report.calibration),
        **{
            f"groups/{column}/recall_gap_{when}": value
            for column, gap in report.group_gaps.items()
            for when, value in gap.items()
        },
    }
    for supply in report.supplies:
        told = {"rows": supply["rows"], "kept": supply["kept"], "seconds": supply["seconds"]}
        told |= {"brings": supply["brings"]["estimate"]} if supply["brings"] else {}
        figures |= _under(_group_of(supply["supply"]), told)
    for pattern in report.patterns:
        name = _group_of(pattern["supply"])
        figures |= {f"{name}/caught_{when}": pattern[when]["estimate"] for when in WHEN}
    for pattern in report.real_patterns:
        name = _group_of(pattern["supply"])
        figures |= {f"{name}/real_caught_{when}": pattern[when]["estimate"] for when in WHEN}
    figures |= {f"answers/{name}": report.answers[name] for name in ANSWERED if name in report.answers}
    for arm in report.arms:
        numbers = {key: value for key, value in arm.items() if key not in WORDS and value is not None}
        figures |= _under(f"arm/{arm['arm']}", numbers)
    return {name: float(value) for name, value in figures.items()}


def _under(group: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{group}/{name}": value for name, value in values.items()}


def _group_of(supply: str) -> str:
    """Return the group of a supply's metrics; what a book calls a scenario must not be read as a path."""
    kind, _, scenario = supply.partition(": ")
    parts = (part if part.strip(".") else "_" for part in (kind, scenario.replace("/", "_")) if part)
    return "/".join(("supply", *parts))


def _dicts(scores: Mapping[str, Interval]) -> dict[str, Record]:
    return {name: asdict(score) for name, score in scores.items()}


def _data_record(inputs: RunInputs) -> Record:
    schema = inputs.schema
    positive = plain(schema.classes[schema.positive])
    record: Record = {"name": inputs.dataset.name, "positive": positive, "classes": schema.n_classes}
    for part, table in (("train", inputs.train), ("test", inputs.test)):
        record |= {f"{part}_rows": len(table), f"{part}_positives": int((table.y == schema.positive).sum())}
    return record | {"test_fewest": JudgeRows.of(inputs.test).fewest}


def _supplies(looped: LoopRun) -> list[Record]:
    """Sum up each supply of rows: what it made and cost, and what the final learner would lack without it."""
    used = {looped.outcome.origins[number].supply for number in looped.outcome.synthetic.supply}
    found = []
    for name, aimed in ((supply.name, supply.aimed) for supply in looped.prepared.parts.supplies):
        own = [each for each in looped.history if each.supply == name]
        kept = sum(len(each.rows) for each in own if each.decision.kept) if name in used else 0
        brings = looped.outcome.brings.get(name)
        seconds = sum(sum(each.seconds.values()) for each in own)
        made = {"supply": name, "generations": len(own), "rows": sum(len(each.rows) for each in own), "kept": kept}
        told = {"aimed": aimed, "seconds": seconds, "brings": None if brings is None else asdict(brings)}
        found.append(plain(made | told))
    return found


def _patterns(looped: LoopRun) -> list[Record]:
    known = {each.supply for each in looped.outcome.known}
    return [plain(asdict(each)) | {"kept": each.supply in known} for each in looped.outcome.caught]


def _planted(source: str, train: Table, history: Sequence[Generation]) -> list[Record]:
    """Compare the regions found with the planted ones of a simulation, on the training rows."""
    answer = simulation(source)
    if answer is None:
        return []
    masks = [region.contains(train.rows) for generation in history for region in generation.regions]
    return [
        plain(finding._asdict()) for finding in judge([one.take(train.row_number) for one in answer.planted], masks)
    ]


def _curves(report: Report, scored: Sequence[Scored], inputs: RunInputs) -> Record:
    """Return the curves of the learner before and after, for the class to catch against the rest."""
    positive = inputs.schema.positive
    proba = {each.arm.name: each.proba[:, positive] for each in scored}
    rng = stream(0, "curves")  # for intervals only: the same run always gives the same page
    before, after = proba[REAL_ONLY], proba[report.delivered]
    tested = JudgeRows.of(inputs.test)
    curves = before_and_after(tested, before, after, report.recall_at_precision, rng)
    return curves | {"plain": plain(curve(tested.against_rest(), proba[report.gain["against"]]))}


def _draw(report: Report, result: Result, curves: Record, inputs: RunInputs, folder: Path) -> None:
    looped = result.looped
    if looped.history:
        figure = report_figures.score_over_generations(report.generations, report.verdict["sentence"])
        figure_style.save(figure, folder / "score.png")
    if report.patterns:
        figure = report_figures.stated_patterns(report.patterns, "Stated patterns: what is caught of rows held back")
        figure_style.save(figure, folder / "patterns.png")
    positive = str(report.data["positive"])
    before, after = (curves[arm]["average_precision"] for arm in ("before", "after"))
    title = f"Average precision for {positive}: {before:.3f} before, {after:.3f} after"
    figure_style.save(report_figures.precision_recall(curves, positive, title), folder / "precision_recall.png")
    figure = report_figures.caught_by_alerts(curves, report.gain["against"], report.delivered, report.alerts_on_test)
    figure_style.save(figure, folder / "caught.png")
    if len(looped.outcome.synthetic):
        figure = figure_style.new_rows(inputs.train, looped.outcome.synthetic, result.first_regions)
        figure_style.save(figure, folder / "new_rows.png")
    showing.show(inputs.train, looped.history, result.first_regions, folder)
