"""What a run prints at its end where a script reads it: two lines, or one JSON object, instead of tables."""

from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.output import print_json, say

if TYPE_CHECKING:
    from experiments.config.run_config import CompareConfig, RunConfig
    from experiments.preview.plan import Plan
    from experiments.run.run import RunResult
    from experiments.tune.config import TuneConfig

Quiet = Annotated[bool, typer.Option("--quiet", help="Print warnings and the result alone.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object alone.")]
LastLine = Annotated[bool, typer.Option("--json", "--quiet", help="Print the last line alone: one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and how long it may take.")]


def print_result(result: "RunResult", as_json: bool) -> None:
    """Print what came out of a run: the claim of its test rows, what it delivers, and its folder."""
    told = _told(result)
    if as_json:
        print_json({"folder": str(result.folder), "status": result.status, **told})
        return
    for warning in [] if result.report is None else result.report.warning_lines:
        say(warning)
    words = [str(told[name]) for name in ("decision", "delivery", "verdict") if name in told]
    for line in (*words, f"{result.folder}: report.html"):
        say(line)


def print_plan(config: "RunConfig | CompareConfig | TuneConfig", as_json: bool, jobs: int = 1) -> None:
    """Print what a run, a comparison or a search would do, without doing it."""
    from experiments.report.progress import steps_shown

    with steps_shown("probe"):
        plan = _plan(config, jobs)
    if as_json:
        print_json(plan.record)
    else:
        for line in plan.lines:
            say(line)


def _plan(config: "RunConfig | CompareConfig | TuneConfig", jobs: int) -> "Plan":
    from experiments.config.run_config import CompareConfig, RunConfig
    from experiments.preview.plan import plan_of

    if isinstance(config, RunConfig):
        return plan_of(config)
    if isinstance(config, CompareConfig):
        return _plan_of_cells(config, jobs)
    from experiments.preview.search import plan_of_search

    return plan_of_search(config, jobs)


def _plan_of_cells(config: "CompareConfig", jobs: int) -> "Plan":
    from experiments.compare.cells import cells_left
    from experiments.preview.plan import plan_of_all

    left, done = cells_left(config)
    return plan_of_all(left, done, jobs)


def _told(result: "RunResult") -> dict[str, object]:
    from experiments.run.verdict import verdict_tags
    from loop.support.plain_json import plain

    if result.report is None:  # interrupted: the test part stays sealed
        return {"verdict": "The run was interrupted before the test rows were opened."}
    report = result.report
    figures = {
        "average_precision": next(arm["average_precision"] for arm in report.arms if arm["arm"] == report.delivered),
        "gain_over_best_plain": report.gain["difference"],
        "warnings": report.warning_lines,
        "seconds": round(report.seconds, 1),
    }
    told: dict[str, object] = plain({**verdict_tags(report), **figures})
    return told
