"""Which model to deliver: the best expected on judge rows among plain models, the loop's learner and its teacher.

The test rows have no part in it. Every candidate is compared with the best plain model on the same judge rows. As for
generations (`loop.cycle.acceptance`), the difference is shrunk to what such candidates have shown on other tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from experiments.arms.arm import AS_MUCH, Arm
from experiments.arms.names import AUTO, LOOP, ONLY_PLAIN, SHORT, TEACHER, in_words, is_loop
from experiments.arms.priors import prior_of, room
from experiments.arms.serving import Cost, Limits, cost_of
from learners.common.nested import storable
from loop.cycle.acceptance import FEWEST, shrunk
from loop.cycle.driver import LoopRun
from loop.cycle.held_back import Caught
from loop.cycle.parts import Parts
from loop.errors import ConfigError
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Predictor
from loop.rows import Rows
from loop.seeds import stream
from loop.types import Interval

METRIC = "average_precision"
KNOWLEDGE_MAY_COST = 0.02  # of average precision on judge rows, which do not show what a model was taught besides
# Of models whose scores differ by less, expected and on judge rows, the one that scores faster is delivered. A loss on
# judge rows is no tie, although shrinking to the prior may leave little of it.
ALIKE = 0.001


@dataclass(frozen=True)
class Option:
    """A candidate on the judge rows."""

    name: str
    score: float
    difference: Interval  # from the best plain model
    expected: float  # the difference, shrunk
    cost: Cost
    refused: str | None = None  # why it may not be delivered


@dataclass(frozen=True)
class Delivery:
    """The model that is delivered, and why."""

    name: str
    best_plain: str
    sentence: str
    options: tuple[Option, ...]  # the best plain model first

    @property
    def promised(self) -> Option:
        """What the judge rows promise of the delivered model; of a plain one that was asked for, of the best plain."""
        return next((option for option in self.options if option.name == self.name), self.options[0])


@dataclass(frozen=True, eq=False)
class Decided:
    """The arms after the decision: the best plain model and the delivered one are fitted on all rows."""

    delivery: Delivery
    arms: tuple[Arm, ...]
    costs: Mapping[str, Cost]  # of serving each arm

    def named(self, name: str) -> Arm:
        """Return the arm of a name."""
        return next(arm for arm in self.arms if arm.name == name)


def decide(
    arms: Sequence[Arm],
    rows: Rows,
    judged: JudgeRows,
    rng: np.random.Generator,
    *,
    wanted: str = AUTO,
    limits: Limits | None = None,
) -> Decided:
    """Measure what every arm costs to serve, choose the model to deliver, and fit it on all rows if it was not.

    Parameters
    ----------
    arms, judged, rng, wanted, limits
        As `choose` takes them.
    rows : Rows, n rows
        Training rows, for the costs.
    """
    costs = {arm.name: cost_of(arm.predictor, rows) for arm in arms}
    delivery = choose(arms, costs, judged, rng, wanted=wanted, limits=limits)
    whole = {arm.name: arm.whole() for arm in arms if arm.whole and arm.name in (delivery.name, delivery.best_plain)}
    told = tuple(
        replace(arm, predictor=whole[arm.name], whole=None, note=f"judged as {arm.note}, then fitted on all")
        if arm.name in whole
        else arm
        for arm in arms
    )
    return Decided(delivery, told, costs | {name: cost_of(predictor, rows) for name, predictor in whole.items()})


def decide_for(
    run: LoopRun, arms: Sequence[Arm], seed: int, *, wanted: str = AUTO, limits: Limits | None = None
) -> Decided:
    """Decide for a finished loop, by its training rows and judge rows; see `decide`.

    Parameters
    ----------
    run : LoopRun
    arms, wanted, limits
        As `choose` takes them.
    seed : int
        Root seed of the run.
    """
    table, rng = run.prepared.table, stream(seed, "deliver")
    judged = JudgeRows.of(table, run.outcome.judged)
    return decide(arms, table.rows, judged, rng, wanted=wanted, limits=limits)


def check_storable(parts: Parts, wanted: str) -> None:
    """Refuse parts, before any work, if the learner, or the teacher that is wanted, could not be saved.

    Raises
    ------
    ConfigError
        If there is such a learner.
    """
    taught = parts.teacher if SHORT.get(wanted) == TEACHER else None
    for learner in (parts.learner, parts.augmented_learner, taught):
        if learner is not None:
            storable(cast("Predictor", learner))


def best_plain(arms: Sequence[Arm], judged: JudgeRows) -> Arm:
    """Return the plain model with the best out-of-fold score on the judge rows, the first of equals."""
    return max((arm for arm in arms if arm.plain), key=lambda arm: score(METRIC, judged, answers_of(arm)))


def answers_of(arm: Arm) -> np.ndarray:
    """Return the answers of a candidate for the judge rows (j, K)."""
    if arm.judged is None:
        raise ValueError(f"{arm.name} has no answers for the judge rows")
    return arm.judged


def choose(
    arms: Sequence[Arm],
    costs: Mapping[str, Cost],
    judged: JudgeRows,
    rng: np.random.Generator,
    *,
    wanted: str = AUTO,
    limits: Limits | None = None,
) -> Delivery:
    """Choose the model to deliver.

    A candidate that judge rows prove to be worse than the best plain model is never chosen, nor one beyond the limits
    or one that cannot be saved, unless it is wanted by name. Of the others, those come first that know stated patterns,
    that is catch more of one than before they were taught it: the judge rows do not show these, so only a loss of more
    than 0.02 speaks against such a model. Of several that which catches most of the rows held back is chosen; within
    0.05 the judge rows decide.

    Parameters
    ----------
    arms : sequence of Arm
        Those with out-of-fold answers are candidates; at least one is plain.
    costs : mapping of str to Cost
        Cost of serving by name of the arm.
    judged : JudgeRows, j rows
    rng : numpy.random.Generator
        Draws the bootstrap.
    wanted : str
        ``auto``, ``loop``, ``teacher``, ``plain`` (the best plain model), or the name of an arm.
    limits : Limits, optional

    Raises
    ------
    ConfigError
        If there is no candidate of the wanted name, or the limits leave none.
    """
    limits = limits or Limits()
    candidates = {arm.name: arm for arm in arms if arm.judged is not None}
    allowed = [arm for arm in candidates.values() if limits.exceeded(costs[arm.name]) is None]
    rival = best_plain(arms, judged)
    usable = best_plain(allowed, judged) if any(arm.plain for arm in allowed) else rival
    plain = [arm for arm in candidates.values() if arm.plain]
    scale = room(judged, score(METRIC, judged, answers_of(rival)))
    options = tuple(
        _option(arm, rival, prior_of(arm, rival, plain, scale), costs[arm.name], judged, rng, limits)
        for arm in dict.fromkeys([rival, usable, *(arm for arm in candidates.values() if not arm.plain)])
    )
    if wanted != AUTO:
        known = SHORT | {"plain": rival.name, "loop": next(filter(is_loop, candidates), LOOP)}
        name = known.get(wanted, wanted)
        if name not in candidates:
            names = ", ".join([AUTO, "plain", *candidates])
            raise ConfigError(f"deliver must name a model that was fitted ({names}), got {wanted!r}: choose one.")
        return Delivery(name, rival.name, f"Delivered: {in_words(name)}, as asked for.", options)
    left = [option for option in options if option.refused is None]
    if not left:
        raise ConfigError(f"serving must leave a model to deliver, and {_told(options)}: raise the limits.")
    knowing = _knowing(left, candidates)
    chosen = _best(knowing or left)
    if knowing:
        sentence = _known_sentence(chosen, rival.name, candidates[chosen.name].known)
    else:
        sentence = _sentence(chosen, options, judged, alone=len(plain) == 1) + _unknown(options, candidates)
    return Delivery(chosen.name, rival.name, sentence, options)


def _knowing(options: Sequence[Option], candidates: Mapping[str, Arm]) -> list[Option]:
    """Return the options that know stated patterns and catch about as much of them as the best of these."""
    catches = {
        option.name: float(np.mean([each.after.estimate for each in candidates[option.name].known]))
        for option in options
        if candidates[option.name].knows
    }
    return [each for each in options if each.name in catches and catches[each.name] >= max(catches.values()) - AS_MUCH]


def _best(options: Sequence[Option]) -> Option:
    """Return the option with the best expected score; of those that are alike, the one that scores fastest."""
    top = max(options, key=lambda each: each.expected)
    alike = [each for each in options if min(each.expected - top.expected, each.score - top.score) >= -ALIKE]
    return min(alike, key=lambda each: each.cost.seconds_per_million)


def _option(
    arm: Arm,
    rival: Arm,
    prior: tuple[float, float],
    cost: Cost,
    judged: JudgeRows,
    rng: np.random.Generator,
    limits: Limits,
) -> Option:
    """Compare a candidate with the best plain model."""
    reached, refused = score(METRIC, judged, answers_of(arm)), limits.exceeded(cost)
    if arm is rival:
        return Option(arm.name, reached, Interval(0.0, 0.0, 0.0, 0.95), 0.0, cost, refused)
    evidence = paired(METRIC, judged, answers_of(rival), answers_of(arm), rng)
    if refused is None and evidence.difference.high < (-KNOWLEDGE_MAY_COST if arm.knows else 0):
        refused = f"worse than {rival.name} on judge rows ({evidence.difference})"
    return Option(arm.name, reached, evidence.difference, shrunk(evidence, *prior), cost, refused)


def _told(options: Sequence[Option]) -> str:
    return "; ".join(f"{in_words(option.name)}: {option.refused}" for option in options)


def _sentence(chosen: Option, options: Sequence[Option], judged: JudgeRows, alone: bool) -> str:
    """Say in words what is delivered, what it is expected to bring and at what price; alone = one plain model."""
    rival, rank = options[0], ONLY_PLAIN if alone else "the best plain model"
    if chosen.name == rival.name:
        return f"Delivered: {in_words(chosen.name)}, {rank}; {_nothing_to_gain(options, judged)}."
    times = chosen.cost.seconds_per_million / max(rival.cost.seconds_per_million, 1e-9)
    return (
        f"Delivered: {in_words(chosen.name)}, expected {chosen.expected:+.3f} average precision over {rank} "
        f"({rival.name}; judge rows {chosen.difference}), {_price(times)} to score a row."
    )


def _unknown(options: Sequence[Option], candidates: Mapping[str, Arm]) -> str:
    """Say why no model is delivered that knows the stated patterns, if one was taught them."""
    taught = [each for each in options if candidates[each.name].known]
    why = "; ".join(f"{in_words(each.name)} ({each.refused or 'catches no more of it than before'})" for each in taught)
    return f" It does not know what is stated: {why}." if taught else ""


def _known_sentence(chosen: Option, rival: str, known: Sequence[Caught]) -> str:
    """Say which stated patterns the loop's model catches, and what that costs on the judge rows."""
    told = "; ".join(
        f"{each.after.estimate:.0%} of {each.supply} ({each.before.estimate:.0%} before)" for each in known
    )
    return (
        f"Delivered: {in_words(chosen.name)}, which knows what no judge row shows: of rows held back it catches {told}."
        f" On the judge rows its average precision differs by {chosen.difference} from the best plain model ({rival})."
    )


def _price(times: float) -> str:
    return f"{times:.2g} times as long" if times >= 1.05 else f"{times:.2g} of the time" if times <= 0.95 else "as long"


def _nothing_to_gain(options: Sequence[Option], judged: JudgeRows) -> str:
    """Say why neither the loop nor its teacher is delivered."""
    rival, others = options[0], [each for each in options[1:] if each.name == TEACHER or is_loop(each.name)]
    share = float(judged.is_positive.mean())
    if rival.score < 1.5 * share:
        return f"there is nothing to learn here: it is barely above chance ({rival.score:.3f} against {share:.3f})"
    worse = "is not expected to do better"
    reasons = [f"{in_words(each.name)} {each.refused or f'{worse} ({each.expected:+.3f})'}" for each in others]
    reasons += [f"{judged.fewest} rows or groups of a class are few"] if judged.fewest < FEWEST else []
    return "nothing to gain here: " + "; ".join(reasons)
