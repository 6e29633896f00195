"""Ask an oracle that answers at once, batch after batch: fit, choose, ask, and fit again."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import rankdata

from loop.asking.choice import Asking, Chosen, choose
from loop.asking.ledger import Answers, first_free, grown, known
from loop.protocols import Learner, Oracle, Predictor
from loop.rows import Rows
from loop.supplies.pool import Pool
from loop.types import Schema, Table


@dataclass(frozen=True, eq=False)
class Asker:
    """What chooses the questions.

    Parameters
    ----------
    learner : Learner
        Unfitted; its answers tell where it is unsure.
    second : Learner, optional
        Unfitted, of another kind; read by acquisitions that need a teacher.
    asking : Asking
    """

    learner: Learner
    second: Learner | None = None
    asking: Asking = field(default_factory=Asking)


@dataclass(frozen=True, eq=False)
class Round:
    """One batch: the learner that chose it, and what came back."""

    learner: Predictor  # fitted on all rows that were known before the batch
    known: int  # rows known before
    answers: Answers


def ask(
    asker: Asker,
    table: Table,
    pool: Rows,
    oracle: Oracle,
    batches: Sequence[int],
    rng: np.random.Generator,
    *,
    price: np.ndarray | None = None,
) -> Iterator[Round]:
    """Ask batch after batch, and yield each with its answers.

    Parameters
    ----------
    asker : Asker
    table : Table
        Rows whose labels are known. As long as they are all of one class, outliers are asked about (cold start).
    pool : Rows, N rows
        Rows without labels.
    oracle : Oracle
    batches : sequence of int
        Questions in each batch.
    rng : numpy.random.Generator
    price : ndarray of shape (N,), optional
        See `loop.asking.choice.choose`.
    """
    done: list[Answers] = []
    for n in batches:
        fit_rng, choose_rng = rng.spawn(2)
        current = grown(table, pool, done, first_free(table), None)
        learner, opinion = consult(asker, current, pool, fit_rng)
        open_ = known(done, len(pool)) < 0
        chosen = choose(asker.asking, opinion, open_, n, choose_rng, price=price)
        answers = answered(chosen, pool, oracle, known(done, len(pool)))
        if not len(answers.rows):
            return
        done.append(answers)
        yield Round(learner, len(current), answers)


def consult(asker: Asker, table: Table, pool: Rows, rng: np.random.Generator) -> tuple[Predictor, Pool]:
    """Fit the learner, and the second kind where it is read; return the learner and the pool with their answers."""
    if len(np.unique(table.y)) < table.n_classes:
        learner: Predictor = Outlying.of(table, pool, rng)
        answers = learner.predict_proba(pool)
        return learner, Pool(unlabelled(pool, table.schema), answers, answers)
    learner = copy.deepcopy(asker.learner).fit(table, rng)
    second = None
    if asker.second is not None and getattr(asker.asking.acquisition, "needs_teacher", True):
        second = copy.deepcopy(asker.second).fit(table, rng).predict_proba(pool)
    return learner, Pool(unlabelled(pool, table.schema), learner.predict_proba(pool), second)


def answered(chosen: Chosen, pool: Rows, oracle: Oracle, already: np.ndarray) -> Answers:
    """Ask the oracle about rows of the pool; what ``already`` (N,) holds an answer to is not asked again."""
    rows = np.concatenate([chosen.asked, chosen.audited])
    inclusion = np.concatenate([np.full(len(chosen.asked), np.nan), chosen.inclusion])
    y = already[rows]
    new = np.flatnonzero(y < 0)
    y[new] = oracle.ask(pool.take(rows[new]), rows[new])
    return Answers(rows, y, inclusion)


def unlabelled(pool: Rows, schema: Schema) -> Table:
    """Return rows as a table whose labels say nothing: -1, and soft labels that are missing."""
    n = len(pool)
    table = Table.real(pool, np.full(n, -1, dtype=np.int64), schema)
    return replace(table, soft=np.full((n, schema.n_classes), np.nan))


@dataclass(frozen=True, eq=False)
class Outlying:
    """How unusual rows are, as if it were the probability of the class to catch: before a row of each class is known.

    Isolation forest (Liu, Ting and Zhou 2008) of the pool; scores are ranks, so that the half that is more usual is
    never sure.
    """

    forest: object
    fill: np.ndarray
    positive: int
    n_classes: int

    @classmethod
    def of(cls, table: Table, pool: Rows, rng: np.random.Generator) -> "Outlying":
        """Fit to the rows of the pool."""
        from sklearn.ensemble import IsolationForest  # here, as it is seldom needed

        fill = np.nan_to_num(np.nanmedian(np.vstack([pool.X, table.X]), axis=0))
        forest = IsolationForest(random_state=int(rng.integers(2**31))).fit(_filled(pool.X, fill))
        return cls(forest, fill, table.schema.positive, table.n_classes)

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return (n, K): half the rank of each row, from usual to unusual, for the class to catch."""
        score = -self.forest.score_samples(_filled(rows.X, self.fill))  # type: ignore[attr-defined]
        rank = rankdata(score, method="ordinal") / (2 * len(score))
        proba = np.repeat(((1 - rank) / (self.n_classes - 1))[:, None], self.n_classes, axis=1)
        proba[:, self.positive] = rank
        return proba


def _filled(X: np.ndarray, fill: np.ndarray) -> np.ndarray:
    filled: np.ndarray = np.where(np.isfinite(X), X, fill)
    return filled
