"""What a report tells of groups: each group, the gaps between them, and the worst."""

from collections.abc import Mapping

import numpy as np

from experiments.config.run_config import FairnessConfig
from experiments.trust.fairness.figures import WHEN, Scores, alerts_of, by_group, gaps
from experiments.trust.fairness.groups import groups_of
from experiments.trust.fairness.worst import worst_group
from loop.evaluation.judge_rows import JudgeRows
from loop.support.plain_json import Record
from loop.types import Table


def fairness_record(
    config: FairnessConfig, judged: JudgeRows, test: Table, scores: Mapping[str, Scores], rng: np.random.Generator
) -> Record:
    """Compare groups on the test rows.

    Parameters
    ----------
    config : FairnessConfig
        Without columns nothing is compared.
    judged : JudgeRows, j rows
        On which each model's threshold is chosen.
    test : Table, n rows
    scores : dict of Scores
        Of the learner "before" (real rows alone) and "after".
    rng : numpy.random.Generator
        Draws the bootstrap and deals the halves.

    Returns
    -------
    dict
        ``groups`` (see `by_group`), ``group_gaps`` (see `gaps`) and ``worst_group`` (see `worst_group`), the last
        "before" and "after".
    """
    if not config.columns:
        return {"groups": [], "group_gaps": {}, "worst_group": {}}
    groups, tested = groups_of(test, config.columns), JudgeRows.of(test)
    alerts = {when: alerts_of(judged, tested, scores[when]) for when in WHEN}
    told = list(by_group(groups, tested, alerts, scores, config.least, rng))
    seed = int(rng.integers(2**63))  # both are compared on the same halves
    worst = {
        when: worst_group(groups, tested, alerts[when], config.least, np.random.default_rng(seed)) for when in WHEN
    }
    return {"groups": told, "group_gaps": gaps(told), "worst_group": worst}
