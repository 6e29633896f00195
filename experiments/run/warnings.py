"""The warnings of a run: found in its table before work, and in its scores at the end."""

from rich.console import Console

from experiments.arms.names import REAL_ONLY
from experiments.config.run_config import RunConfig
from experiments.report.terminal import print_lines
from experiments.run.inputs import RunInputs
from experiments.run.result import Result
from experiments.sanity.checks import Before, after_work, before_work
from experiments.sanity.finding import Finding
from experiments.sanity.harm import BEFORE, best_plain, harm_at_points, harm_to_groups
from experiments.sanity.left_out import LeftOut
from loop.evaluation.judge_rows import JudgeRows
from loop.seeds import stream
from loop.support.plain_json import Record


def found_before(config: RunConfig, inputs: RunInputs) -> Before:
    """Look at the table of a run, and return what is found."""
    left_out = LeftOut.of(inputs.dataset, inputs.train, inputs.test, grouped=config.data.group is not None)
    return before_work(inputs.train, inputs.test, config.loop.seed, left_out)


def told_before(config: RunConfig, inputs: RunInputs, console: Console) -> Before:
    """Look at the table of a run, print what is found, and return it."""
    found = found_before(config, inputs)
    print_lines([each.line for each in found.findings], console)
    return found


def told_after(
    config: RunConfig, inputs: RunInputs, result: Result, figures: Record, before: Before
) -> tuple[Finding, ...]:
    """Return all warnings of a finished run, those beside the verdict first.

    ``figures`` are those of `experiments.run.sealed_figures.sealed_figures`.
    """
    fairness, best = config.fairness, result.delivery.best_plain
    judged = JudgeRows.of(inputs.train, result.looped.outcome.judged)
    words = {best: best_plain(best), REAL_ONLY: BEFORE}  # the headline's rival first
    rivals = [(words[name], result.caught_scores(name)) for name in words]
    after, rng = result.caught_scores(result.delivery.name), stream(config.loop.seed, "sanity", "groups")
    groups = harm_to_groups(inputs.test, fairness.columns, judged, after, rivals, fairness.least, rng)
    points = harm_at_points(figures["operating"], figures["expected"]["points"], best)
    return after_work(before, inputs.test, result.proba[result.delivery.name], (*points, *groups))
