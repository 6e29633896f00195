"""Configurations that come to the same: an earlier trial's answer is taken, and settings that others cap are told."""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from experiments.tune.config import TuneConfig
from experiments.tune.space import Range, Scalar, Value
from loop.cycle.propose import rows_of_budget
from loop.errors import WeakspotError

BUDGET, CAP = "loop.budget", "loop.most_rows"  # rows of a generation: a share of the real ones, and the most
SAME_AS = "same_as"  # attribute of a trial: the number of the one whose answer it has
SHARED = ("running", "scores", "error")  # attributes that it has from there

Sizes = Sequence[Sequence[int]]  # real rows that each lane is fitted on, for each source


def come_to_the_same(config: TuneConfig, params: Mapping[str, Scalar], sizes: Sizes) -> Mapping[str, object]:
    """Return what a trial's parameters come to: the rows of a generation take the place of its budget and cap."""
    values: dict[str, object] = dict(config.values(params))
    if not {BUDGET, CAP} & set(values):
        return values
    settings = config.run_of(config.values(params), config.sources[0]).loop.settings()
    rows = [[rows_of_budget(settings, n) for n in each] for each in sizes]
    return {key: value for key, value in values.items() if key not in (BUDGET, CAP)} | {"rows": rows}


def earlier(study: optuna.Study, trial: optuna.Trial, config: TuneConfig, sizes: Sizes) -> FrozenTrial | None:
    """Return an ended trial that tried what this one would, None if there is none."""
    own = come_to_the_same(config, trial.params, sizes)
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    for each in ended:
        whole = set(config.dimensions) <= set(each.params) and (
            each.state != TrialState.FAIL or "error" in each.user_attrs
        )
        if whole and SAME_AS not in each.user_attrs and come_to_the_same(config, each.params, sizes) == own:
            return each
    return None


def repeated(trial: optuna.Trial, first: FrozenTrial) -> tuple[float, float]:
    """Give a trial the answer of an earlier one: its score and cost, its end, or its error.

    Raises
    ------
    optuna.TrialPruned
        If the earlier one was stopped early.
    WeakspotError
        If it failed.
    """
    trial.set_user_attr(SAME_AS, first.number)
    trial.set_user_attr("seconds", 0.0)
    for name in SHARED:
        if name in first.user_attrs:
            trial.set_user_attr(name, first.user_attrs[name])
    if first.state == TrialState.PRUNED:
        raise optuna.TrialPruned
    if first.state == TrialState.FAIL:
        raise WeakspotError(str(first.user_attrs["error"]))
    score, seconds = first.values
    return score, seconds


def caps(config: TuneConfig, sizes: Sizes) -> list[str]:
    """Return a sentence for each source on which budgets of the space make no difference, as the cap holds."""
    budget, cap = config.dimensions.get(BUDGET), config.dimensions.get(CAP)
    if budget is None:
        return []
    high = _highest(budget)
    most = int(config.loop.most_rows if cap is None else _highest(cap))
    told = []
    for source, each in zip(config.sources, sizes, strict=True):
        n = max(each)
        if high * n > most:
            told.append(
                f"{BUDGET} above {most / n:.2g} changes nothing on {source.source}: {CAP} caps a generation at "
                f"{most:,} rows for {n:,} real ones. Raise {CAP} to search further."
            )
    return told


def _highest(dimension: Any) -> float:
    ends: Sequence[Value] = (dimension.high,) if isinstance(dimension, Range) else dimension.values
    return max(float(each) for each in ends if isinstance(each, (int, float)))
