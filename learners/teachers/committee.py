"""The teacher: bagged members of different kinds, weighted by what they predict out of fold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np

from learners.common.nested import load_learners, save_learners
from learners.common.persistence import columns_misfit
from learners.teachers.record import CommitteeRecord
from loop.data.thinning import drawn_counts, undo_thinning
from loop.errors import ConfigError
from loop.protocols import Learner, Teacher
from loop.rows import Rows
from loop.seeds import root, stream
from loop.support.parallel.side_by_side import side_by_side
from loop.support.setting_checks import check_bounds, check_most
from loop.types import Schema, Table


def default_members() -> tuple[Learner, ...]:
    """Return learners whose errors differ: boosted trees, random trees fine and coarse, networks, a linear model.

    CatBoost is among them where the extra ``boosters`` is installed.
    """
    # A committee of others needs none of their libraries.
    from learners import LEARNERS, MLP, ExtraTrees, Linear, XGBoost

    ours = (
        XGBoost(depth=4, row_share=0.8, column_share=0.8),
        ExtraTrees(trees=150),
        ExtraTrees(trees=100, min_leaf=3),
        ExtraTrees(trees=100, min_leaf=2, max_features=0.5, categories="one_hot"),
        MLP(members=4, steps=800, rate=4e-3),  # every fold adds four networks, so small ones are enough
        Linear(),
    )
    return (*ours, LEARNERS.make("catboost")) if find_spec("catboost") is not None else ours


WEIGHED = 200_000  # most out-of-fold rows by which members are weighed
Fitted = tuple[Learner, np.ndarray]  # a member and the share of each class (K,) that it was fitted on


@dataclass(eq=False)
class Committee:
    """Weighted mean of learners of several kinds, each fitted once without each fold.

    The weights come from greedy selection on the out-of-fold log-loss. The members fitted without fold k are a teacher
    that never saw fold k, with weights from the other folds only; all members together teach the deliverable lane.
    The selection is Caruana et al. 2004, "Ensemble selection from libraries of models", with replacement.

    A committee is saved for serving, without the members that count for nothing and without what it says of rows of
    its training. Loaded, it answers as before, but not without a fold; its ``members`` are those that count.

    Parameters
    ----------
    members : sequence of Learner
        Unfitted learners, one of each kind.
    folds : int
        Folds when the committee is fitted on its own, as a plain learner.
    majority_ratio : float
        Most majority rows for each other row that a member is fitted on, drawn anew for each member; its probabilities
        are corrected for this thinning.
    small : int
        Number of rows below which nothing is thinned.
    most : int
        Most rows that a member is fitted on, drawn anew for each member where there are more than that and ``small``.
        It keeps time and memory of large tables in bounds.
    jobs : int
        Members fitted side by side (threads).

    Raises
    ------
    ConfigError
        If ``folds`` is below 2, ``jobs`` or ``most`` below 1 or ``small`` below 0, or ``majority_ratio`` is not above 0
        and finite.
    """

    members: Sequence[Learner] = field(default_factory=default_members)
    folds: int = 5
    majority_ratio: float = 20.0
    small: int = 20_000
    most: int = 40_000
    jobs: int = 2

    oof_: np.ndarray = field(
        init=False, repr=False
    )  # (n, K), NaN in rows of no fold; made when asked for if n is large
    fitted_: list[list[Fitted]] = field(init=False, repr=False)  # by fold and member
    weights_: np.ndarray = field(init=False, repr=False)  # (folds + 1, M): per fold, then of all; loaded (1, M)
    positive_: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"folds": 2, "small": 0, "most": 1, "jobs": 1}, positive=["majority_ratio"])
        check_most("members", len(self.members))

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Fit with folds of its own: each class dealt round-robin in random order."""
        folds = np.empty(len(table), dtype=np.int64)
        order = np.lexsort((rng.permutation(len(table)), table.y))
        folds[order] = np.arange(len(table)) % self.folds
        return self.fit_folds(table, folds, rng)

    def fit_folds(self, table: Table, folds: np.ndarray, rng: np.random.Generator) -> Self:
        """Fit every member once for each fold id, and the weights; see `loop.protocols.Teacher.fit_folds`."""
        self.positive_ = table.schema.positive
        seed, ids = root(rng), range(int(folds.max()) + 1)
        weighed = _weighed(np.flatnonzero(folds >= 0), stream(seed, "weighed"))
        cells = [(fold, number) for fold in ids for number in range(len(self.members))]
        fits = side_by_side(
            lambda cell: self._fit_cell(table, folds, weighed, cell[0], cell[1], seed), cells, self.jobs
        )
        by_cell = dict(zip(cells, fits, strict=True))
        self.fitted_ = [[by_cell[fold, number][:2] for number in range(len(self.members))] for fold in ids]
        fold_of = folds[weighed]
        member_oof = np.empty((len(self.members), len(weighed), table.n_classes))
        for (fold, number), (_, _, proba) in by_cell.items():
            member_oof[number, fold_of == fold] = proba
        y, weight = table.y[weighed], table.weight[weighed]
        votes = [_greedy(member_oof[:, used], y[used], weight[used]) for used in (fold_of != fold for fold in ids)]
        self.weights_ = np.array([*votes, _greedy(member_oof, y, weight)])
        if len(weighed) < (folds >= 0).sum():
            self._real = (table.rows, folds)  # for the answers out of fold, if they are asked for
            vars(self).pop("oof_", None)  # those of an earlier fit
        else:
            self.oof_ = np.full((len(table), table.n_classes), np.nan)
            for fold in ids:
                answers = np.einsum("m,mnk->nk", self.weights_[fold], member_oof[:, fold_of == fold])
                self.oof_[folds == fold] = answers
        return self

    def views(self, rows: Rows, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (n, K) and the members' variance (n,); see `loop.protocols.Teacher.views`.

        Raises
        ------
        ConfigError
            If the committee was loaded, and is asked without a fold.
        """
        if without is not None and len(self.weights_) == 1:
            raise ConfigError(
                f"a loaded committee must be asked with all its members, got without={without}: fit it again."
            )
        chosen = range(len(self.fitted_)) if without is None else [without]
        weights = self.weights_[-1 if without is None else without]
        used = [(fold, number) for fold in chosen for number in np.flatnonzero(weights).tolist()]
        answers = side_by_side(lambda cell: self._answer(cell[0], cell[1], rows), used, self.jobs, brief=True)
        stacked = np.stack(answers)  # (folds x used members, n, K)
        shares = np.array([weights[number] for _, number in used]) / len(chosen)
        proba = np.einsum("m,mnk->nk", shares, stacked)
        spread = np.einsum("m,mn->n", shares, (stacked - proba)[:, :, self.positive_] ** 2)
        return proba, spread

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K): the weighted mean over all members."""
        return self.views(rows, without=None)[0]

    def nested_learners(self) -> Sequence[Learner]:
        """Return the fitted members that count, fold by fold; before the fit, the members to be fitted."""
        if not hasattr(self, "fitted_"):
            return self.members
        return [member for of_fold in self._counting() for member, _ in of_fold]

    def save(self, folder: Path) -> None:
        """Write settings, weights and kept shares into a folder, and each member that counts into a folder inside.

        Errors are those of `learners.common.nested.save_learners`.
        """
        save_learners(self.nested_learners(), folder)
        weights = self.weights_[-1]
        settings = {"folds": int(self.folds), "majority_ratio": float(self.majority_ratio)}
        settings |= {"small": int(self.small), "most": int(self.most), "jobs": int(self.jobs)}
        shares = [[kept.tolist() for _, kept in of_fold] for of_fold in self._counting()]
        CommitteeRecord(settings, self.positive_, weights[weights > 0].tolist(), shares).write(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written: a committee that gives exactly the probabilities that it gave before.

        Errors are those of `learners.common.nested.load_learners`, also for the committee's own record.
        """
        members = load_learners(folder)
        record = CommitteeRecord.read(folder, len(members))
        settings: dict[str, Any] = dict(record.settings)
        loaded = cls(members[: len(record.weights)], **settings)
        left = iter(members)
        loaded.fitted_ = [[(next(left), np.array(kept)) for kept in of_fold] for of_fold in record.shares]
        loaded.weights_, loaded.positive_ = np.array([record.weights]), record.positive
        return loaded

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        return columns_misfit(schema, len(schema.columns), len(self.fitted_[0][0][1]))

    def __getattr__(self, name: str) -> np.ndarray:
        """Answer out of fold when that is asked for, if there were too many rows before; say why it is missing."""
        if name == "oof_" and "_real" in vars(self):
            self.oof_ = self._answers_out_of_fold(*self._real)
            return self.oof_
        if name == "oof_":
            raise AttributeError("oof_ is there after a fit only, a loaded committee has none: fit it again.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _counting(self) -> list[list[Fitted]]:
        """Return the members with a weight in the answers, fold by fold."""
        return [[of_fold[number] for number in np.flatnonzero(self.weights_[-1])] for of_fold in self.fitted_]

    def _answers_out_of_fold(self, rows: Rows, folds: np.ndarray) -> np.ndarray:
        """Return probabilities (n, K) of each fold, by the members fitted without it."""
        answers = np.full((len(rows), self.fitted_[0][0][1].size), np.nan)
        for fold in range(len(self.fitted_)):
            answers[folds == fold] = self.views(rows.take(folds == fold), fold)[0]
        return answers

    def _fit_cell(
        self, table: Table, folds: np.ndarray, weighed: np.ndarray, fold: int, number: int, seed: int
    ) -> tuple[Learner, np.ndarray, np.ndarray]:
        """Fit one member without one fold; return it, its kept shares and its predictions of rows of that fold."""
        rng = stream(seed, fold, number)
        rows, shares = self._thin(table, np.flatnonzero((folds >= 0) & (folds != fold)), rng)
        member = copy.deepcopy(self.members[number]).fit(table.take(rows), rng)
        unseen = table.rows.take(weighed[folds[weighed] == fold])
        return member, shares, undo_thinning(member.predict_proba(unseen), shares)

    def _answer(self, fold: int, number: int, rows: Rows) -> np.ndarray:
        member, shares = self.fitted_[fold][number]
        return undo_thinning(member.predict_proba(rows), shares)

    def _thin(self, table: Table, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Thin a huge majority class, and what is too large altogether; return the rows left and shares kept (K,)."""
        counts = np.bincount(table.y[rows], minlength=table.n_classes)
        if len(rows) <= self.small:
            return rows, np.ones(table.n_classes)
        majority = int(counts.argmax())
        wanted, minority = counts.copy(), len(rows) - int(counts[majority])
        wanted[majority] = min(counts[majority], int(max(self.majority_ratio * minority, self.small)))
        kept = drawn_counts(wanted, max(self.most, self.small))
        drawn = []
        for code in np.flatnonzero(counts):
            own = rows[table.y[rows] == code]
            drawn.append(own if kept[code] == len(own) else rng.choice(own, kept[code], replace=False))
        shares = np.divide(kept, counts, out=np.ones(len(counts)), where=counts > 0)
        return np.sort(np.concatenate(drawn)), shares


def _weighed(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows by which members are weighed: all, or as many drawn at random as are enough."""
    return rows if len(rows) <= WEIGHED else np.sort(rng.choice(rows, WEIGHED, replace=False))


def _greedy(member_oof: np.ndarray, y: np.ndarray, weight: np.ndarray, rounds: int = 40) -> np.ndarray:
    """Return weights (M,): in each round the member that lowers the log-loss most gets one more vote."""
    truth = np.take_along_axis(member_oof, y[None, :, None], axis=2)[:, :, 0]  # (M, r)
    total = np.zeros(truth.shape[1])
    votes = np.zeros(len(truth))
    for size in range(1, rounds + 1):
        losses = -np.log(np.clip((total + truth) / size, 1e-6, None)) @ weight
        best = int(losses.argmin())
        votes[best] += 1
        total += truth[best]
    normalised: np.ndarray = votes / votes.sum()
    return normalised


_learner: type[Learner] = Committee
_teacher: type[Teacher] = Committee
