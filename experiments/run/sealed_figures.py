"""Everything that is measured once the test rows are opened, beside the scores of the arms."""

from collections.abc import Callable

from experiments.arms.delivery import answers_of
from experiments.arms.names import REAL_ONLY
from experiments.config.operating_points import days_spanned, evaluation_rows
from experiments.config.run_config import RunConfig
from experiments.report.expected import Period, expected
from experiments.report.mended import mended
from experiments.run.calibrated_points import Answers, answer_records, calibration_of
from experiments.run.fairness import POINT, by_group, gaps
from experiments.run.inputs import RunInputs
from experiments.run.result import Result
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.operating_points import EvaluationRows
from loop.seeds import stream
from loop.support.plain_json import Record

WHEN = ("before", "after")


def sealed_figures(config: RunConfig, inputs: RunInputs, result: Result) -> Record:
    """Choose operating points on judge rows, and score them, calibrations, groups and weak regions on test rows.

    Parameters
    ----------
    config : RunConfig
    inputs : RunInputs
    result : Result
        With the learner on real rows alone, the best plain model and the delivered one among its arms.

    Returns
    -------
    dict
        Parts of a report: ``groups``, ``group_gaps``, ``operating``, ``calibration``, ``expected`` and ``mended``.
    """
    judged = JudgeRows.of(inputs.train, result.looped.outcome.judged)
    of = _answering(config, inputs, result, judged)
    before, after = of(REAL_ONLY), of(result.delivery.name)
    positive, pair = inputs.schema.positive, (before, after)
    chosen = {when: each.judged[:, positive] for when, each in zip(WHEN, pair, strict=True)}
    tested = {when: each.tested[:, positive] for when, each in zip(WHEN, pair, strict=True)}
    groups = by_group(config.fairness, judged, inputs.test, chosen, tested)
    points, seed = config.metrics.operating_points, config.loop.seed
    rows, test_rows = EvaluationRows(judged), EvaluationRows(JudgeRows.of(inputs.test))
    old, new = (POINT.alert(POINT.choose(rows, chosen[when]), test_rows, tested[when]) for when in WHEN)
    regions = mended(
        result.first_regions, inputs.test, (before.tested, after.tested), (old, new), stream(seed, "mended")
    )
    told = answer_records(points, inputs, judged, before, after, stream(seed, "answers"))
    plain = of(result.delivery.best_plain)
    return {
        "groups": groups,
        "group_gaps": gaps(groups, config.fairness.least),
        "mended": regions,
        "expected": _expected(config, inputs, judged, plain, after),
        **told,
    }


def _answering(config: RunConfig, inputs: RunInputs, result: Result, judged: JudgeRows) -> Callable[[str], Answers]:
    """Return what gives the answers of an arm by its name, calibrated as the delivered model is."""

    def of(name: str) -> Answers:
        answers, seed = answers_of(result.decided.named(name)), config.loop.seed
        calibration = calibration_of(config.calibration.method, judged, answers, seed)
        return Answers(answers, result.proba[name], calibration, inputs.schema.positive)

    return of


def _expected(config: RunConfig, inputs: RunInputs, judged: JudgeRows, plain: Answers, after: Answers) -> Record:
    """Return what is expected of the delivered model against the best plain one."""
    points, tested = config.metrics.operating_points, JudgeRows.of(inputs.test)
    chosen_on, judged_on = evaluation_rows(points, inputs.dataset, judged, tested)
    period = Period.of(judged_on, days_spanned(inputs.dataset, inputs.test.row_number))
    chosen, scored = (plain.judged_scores, after.judged_scores), (plain.tested_scores, after.tested_scores)
    rng = stream(config.loop.seed, "expected")
    return expected(points, (chosen_on, chosen), (judged_on, scored), period, rng)
