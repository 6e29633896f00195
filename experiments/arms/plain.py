"""Plain models of every kind on real rows alone: the loop has to beat the best of them.

Each kind is scored out of fold on the judge rows of the loop, once; the best score makes the *best plain model*, before
the test rows are opened. On large tables kinds that take long are fitted on fewer rows, and the best kind is fitted
once more on all of them.
"""

import copy
import importlib.util
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

import numpy as np

from experiments.arms.forms.form import form_of
from experiments.arms.kind import BOOSTED, OTHER, RANDOM, Kind
from experiments.arms.names import MEAN
from learners import LEARNERS, Blend, ExtraTrees, Forest, Linear, Thinned, XGBoost
from loop.cycle.lanes import Lane
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.protocols import Learner
from loop.seeds import stream
from loop.support.parallel.side_by_side import side_by_side
from loop.types import Schema, Table

METRIC = "average_precision"
MOST_ROWS, MOST_VALUES = 20_000, 1_000_000  # that slow kinds are fitted on; values = rows x columns
HEATS = 2  # lanes in which the variants of a kind compete; the best of them goes on to the others


@dataclass(frozen=True, eq=False)
class Plain:
    """A kind of plain model with its out-of-fold answers."""

    name: str
    family: str
    learner: Learner  # unfitted, for all rows
    quick: Learner | None  # unfitted, for fewer rows: as a slow kind is scored on a large table; None = for all
    judged: np.ndarray  # (j, K) out-of-fold probabilities of the judge rows, lane after lane
    score: float  # average precision of these
    note: str = ""  # on how many rows it was fitted, if not on all


def kinds(schema: Schema) -> tuple[Kind, ...]:
    """Return the plain kinds with settings that are sane on most tables, those that fit fast first.

    Rows with arrays have kinds of their own, see `experiments.arms.forms`.

    Forests read categories as ordered codes and, as a variant, as one column each. CatBoost and LightGBM are among the
    kinds where the extra ``boosters`` is installed.
    """
    if (form := form_of(schema)) is not None:
        return form.kinds
    read: tuple[Literal["codes", "one_hot"], ...] = ("codes", "one_hot") if schema.categorical.any() else ("codes",)
    sampled = XGBoost(row_share=0.8, column_share=0.8)
    found = [
        Kind("XGBoost", BOOSTED, (XGBoost(),), slow=False),
        Kind("XGBoost, shallow", BOOSTED, (replace(sampled, trees=200, depth=3),), slow=False),
        Kind("XGBoost, 80 %", BOOSTED, (sampled,), slow=False),
        Kind("logistic regression", OTHER, tuple(Linear(C) for C in (0.01, 0.1, 1.0)), slow=False),
        Kind("extra trees", RANDOM, tuple(ExtraTrees(max_features=0.5, min_leaf=2, categories=each) for each in read)),
        Kind("random forest", RANDOM, tuple(Forest(200, 2, 0.5, categories=each) for each in read)),
        Kind("MLP", OTHER, (LEARNERS.make("mlp", members=4, steps=800, rate=4e-3),)),  # by name: torch is slow to load
    ]
    settings: Mapping[str, Mapping[str, Any]] = {"CatBoost": {"trees": 200, "depth": 5, "rate": 0.08}, "LightGBM": {}}
    for name, chosen in settings.items():
        package = name.lower()  # of the library and in the catalogue
        if importlib.util.find_spec(package) is not None:
            found.append(Kind(name, BOOSTED, (LEARNERS.make(package, **chosen),)))
    return tuple(found)


def screen(
    kinds: Sequence[Kind], table: Table, lanes: Sequence[Lane], seed: int, *, jobs: int = 1, seconds: float = np.inf
) -> Iterator[Plain]:
    """Fit each kind lane by lane on real rows alone, and yield it with its answers for the judge rows.

    Parameters
    ----------
    kinds : sequence of Kind
        At least one.
    table : Table, n rows
        Real training rows.
    lanes : sequence of Lane
        Those with judge rows.
    seed : int
    jobs : int
        Fits side by side.
    seconds : float
        Time that all kinds share. No kind is begun after it but the first.

    Yields
    ------
    Plain
        The last is the mean of the best boosted and the best random trees, if there are both.
    """
    lanes = [lane for lane in lanes if len(lane.judge)]
    judged = _judged(table, lanes)
    started, done = time.perf_counter(), list[Plain]()
    for kind in kinds:
        if done and time.perf_counter() - started > seconds:
            break
        done.append(_screened(kind, table, lanes, seed, jobs))
        yield done[-1]
    pair = [best(of) for family in (BOOSTED, RANDOM) if (of := [each for each in done if each.family == family])]
    if len(pair) == 2:
        yield _mean(pair, judged)


def without(kinds: Sequence[Kind], learner: Learner) -> tuple[Kind, ...]:
    """Return the kinds that are not the learner with its very settings."""
    own = _settings(learner)
    return tuple(kind for kind in kinds if own not in map(_settings, kind.variants))


def _settings(learner: Any) -> tuple[type, Mapping[str, object]]:
    names = [each.name for each in fields(learner) if each.init] if is_dataclass(learner) else ["__dict__"]
    return type(learner), {name: getattr(learner, name) for name in names}


def best(models: Sequence[Plain]) -> Plain:
    """Return the model with the best score out of fold, the first of equals."""
    return max(models, key=lambda each: each.score)


def _screened(kind: Kind, table: Table, lanes: Sequence[Lane], seed: int, jobs: int) -> Plain:
    """Choose a variant in the first lanes, and let it answer the others."""
    most = min(MOST_ROWS, MOST_VALUES // max(1, table.X.shape[1]))
    thinned = kind.slow and len(table) > most
    ways = [(each, Thinned(each, most) if thinned else None) for each in kind.variants]

    def answer(one: tuple[Learner, Lane]) -> np.ndarray:
        learner, lane = one
        own = stream(seed, "plain", kind.name, lane.index + 1)
        fitted = copy.deepcopy(learner).fit(table.take(lane.fit), own)
        proba: np.ndarray = fitted.predict_proba(table.rows.take(lane.judge))
        return proba

    def answers(learners: Sequence[Learner], lanes: Sequence[Lane]) -> list[list[np.ndarray]]:
        found = side_by_side(answer, [(learner, lane) for learner in learners for lane in lanes], jobs)
        return [found[at : at + len(lanes)] for at in range(0, len(found), len(lanes))] if lanes else [[]]

    heats = lanes[:HEATS] if len(ways) > 1 else lanes
    first = answers([quick or learner for learner, quick in ways], heats)
    judged = _judged(table, heats)
    chosen = int(np.argmax([score(METRIC, judged, np.concatenate(each)) for each in first]))
    learner, quick = ways[chosen]
    (rest,) = answers([quick or learner], lanes[len(heats) :])
    proba = np.concatenate([*first[chosen], *rest])
    note = f"fitted on {most:,} of {len(table):,} rows" if thinned else ""
    return Plain(kind.name, kind.family, learner, quick, proba, score(METRIC, _judged(table, lanes), proba), note)


def _judged(table: Table, lanes: Sequence[Lane]) -> JudgeRows:
    return JudgeRows.of(table, np.concatenate([lane.judge for lane in lanes]))


def _mean(pair: Sequence[Plain], judged: JudgeRows) -> Plain:
    """Average the answers of two models."""
    answers = np.mean([each.judged for each in pair], axis=0)
    learner, quick = Blend(tuple(each.learner for each in pair)), None
    if any(each.quick for each in pair):
        quick = Blend(tuple(each.quick or each.learner for each in pair))
    note = "; ".join(dict.fromkeys(each.note for each in pair if each.note))
    of = f"of {pair[0].name} and {pair[1].name}"
    told = "; ".join(filter(None, [of, note]))
    return Plain(MEAN, OTHER, learner, quick, answers, score(METRIC, judged, answers), told)
