"""Fairness towards groups: weak groups as regions, guards for groups, and the scores of each before and after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from experiments.config.run_config import FairnessConfig
from loop.cycle.acceptance import GroupGuard
from loop.cycle.parts import Parts
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.evaluation.operating_points import AtFalsePositiveRate, EvaluationRows
from loop.regions import Groups, TreeFinder
from loop.regions.groups import positions
from loop.support.plain_json import Record, plain
from loop.types import Schema, Table

POINT = AtFalsePositiveRate(0.01)  # groups are compared at one threshold, chosen on judge rows
WHEN = ("before", "after")
_MISSING = -1


def with_groups(parts: Parts, config: FairnessConfig, train: Table) -> Parts:
    """Guard the worst group of each column and, if configured, use weak groups as the weak regions.

    A strategy that looks for weak classes keeps its finder.

    Raises
    ------
    DataError
        If a column is missing or cannot form groups.
    """
    guards = [
        GroupGuard(_by_row(_codes(train, at), train.row_number), tolerance=config.tolerance, least=config.least)
        for at in positions(train.schema, config.columns)
    ]
    acceptance = replace(parts.acceptance, guards=(*parts.acceptance.guards, *guards))
    aimed = config.aim and isinstance(parts.finder, TreeFinder)
    return replace(parts, acceptance=acceptance, finder=Groups(config.columns) if aimed else parts.finder)


def by_group(
    config: FairnessConfig,
    judged: JudgeRows,
    test: Table,
    judge_scores: Mapping[str, np.ndarray],
    test_scores: Mapping[str, np.ndarray],
) -> list[Record]:
    """Return one record for each group of each column, on the test rows.

    Parameters
    ----------
    judged : JudgeRows, j rows
        On which thresholds are chosen.
    test : Table, n rows
    judge_scores, test_scores : dict of ndarray of shape (j,) and (n,), float
        Probability of the class to catch, of the learner "before" (real rows alone) and "after".

    Returns
    -------
    list of dict
        ``column``, ``group``, ``rows``, ``positives`` and, ``before`` and ``after``, ``average_precision``, ``recall``
        and ``false_positive_rate`` at the threshold that gives 1 % false positives among all judge rows; None where a
        group lacks the class that the figure needs.
    """
    if not config.columns:
        return []
    judge_rows, test_rows = EvaluationRows(judged), EvaluationRows(JudgeRows.of(test))
    alerts = {
        when: POINT.alert(POINT.choose(judge_rows, judge_scores[when]), test_rows, test_scores[when]) >= 0.5
        for when in WHEN
    }
    return [
        record for at in positions(test.schema, config.columns) for record in _groups_of(test, at, alerts, test_scores)
    ]


def _groups_of(
    test: Table, at: int, alerts: Mapping[str, np.ndarray], scores: Mapping[str, np.ndarray]
) -> Iterator[Record]:
    """Yield one record for each group of a column."""
    from fairlearn.metrics import MetricFrame, count, false_positive_rate, true_positive_rate  # slow to import

    tested, codes = JudgeRows.of(test), _codes(test, at)
    positive = tested.is_positive
    metrics = {"rows": count, "recall": true_positive_rate, "false_positive_rate": false_positive_rate}
    frames = {
        when: MetricFrame(metrics=metrics, y_true=positive, y_pred=alerts[when], sensitive_features=codes).by_group
        for when in WHEN
    }
    for code in np.unique(codes):
        inside = codes == code
        told: Record = {
            "column": test.schema.columns[at].name,
            "group": _name(test.schema, at, int(code)),
            "rows": int(inside.sum()),
            "positives": int(positive[inside].sum()),
        }
        for when in WHEN:
            rates = frames[when].loc[code].astype(float)
            told[when] = {
                "average_precision": _precision(tested.take(inside), scores[when][inside]),
                "recall": rates["recall"] if positive[inside].any() else None,  # fairlearn returns 0
                "false_positive_rate": None if positive[inside].all() else rates["false_positive_rate"],
            }
        yield plain(told)


def gaps(groups: Sequence[Record], least: int) -> dict[str, dict[str, float]]:
    """Return, for each column, the largest difference in recall between two of its groups, "before" and "after".

    Groups with fewer positives than ``least`` are left out, as their recall is mostly chance.
    """
    found = {}
    for column in dict.fromkeys(group["column"] for group in groups):
        own = [group for group in groups if group["column"] == column and group["positives"] >= least]
        if len(own) > 1:
            recalls = {when: [float(group[when]["recall"]) for group in own] for when in WHEN}
            found[column] = {when: max(each) - min(each) for when, each in recalls.items()}
    return found


def grouped(test: Table, columns: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each group of some columns, by name, with a mask (n,) of its rows; missing values are a group, too."""
    for at in positions(test.schema, columns):
        codes = _codes(test, at)
        for code in np.unique(codes):
            yield f"{test.schema.columns[at].name} = {_name(test.schema, at, int(code))}", codes == code


def _by_row(codes: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return the codes (m,) of some rows at their row numbers in the input; other rows count as missing."""
    every = np.full(source.max() + 1, _MISSING)
    every[source] = codes
    return every


def _codes(table: Table, at: int) -> np.ndarray:  # (n,) int
    codes: np.ndarray = np.nan_to_num(table.X[:, at], nan=_MISSING).astype(np.int64)
    return codes


def _name(schema: Schema, at: int, code: int) -> str:
    if code == _MISSING:
        return "missing"
    return str((schema.columns[at].categories or (False, True))[code])


def _precision(group: JudgeRows, scores: np.ndarray) -> float | None:
    if group.is_positive.all() or not group.is_positive.any():
        return None
    return score("average_precision", group.against_rest(), np.column_stack([1 - scores, scores]))
