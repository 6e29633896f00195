"""Ask an oracle batch after batch: fit, choose, ask, and fit again."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import rankdata

from loop.asking.choice import Asking, Chosen, choose
from loop.asking.ledger import Answers, first_free, grown, known, unasked
from loop.errors import ConfigError
from loop.protocols import LateOracle, Learner, Oracle, Predictor
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
        Unfitted, of another kind or stronger; read by acquisitions that need a teacher.
    asking : Asking
    again : bool
        Ask again about rows that were asked about and not answered, as nobody could tell; by default once is enough.

    Raises
    ------
    ConfigError
        If the acquisition needs a teacher, and there is no second model.
    """

    learner: Learner
    second: Learner | None = None
    asking: Asking = field(default_factory=Asking)
    again: bool = False

    def __post_init__(self) -> None:
        if self.second is None and self.reads_second:
            name = type(self.asking.acquisition).__name__
            raise ConfigError(f"acquisition {name} needs a second model, got none: pass a teacher or ask by Entropy.")

    @property
    def reads_second(self) -> bool:
        """Whether the acquisition reads what a second model says."""
        return bool(getattr(self.asking.acquisition, "needs_teacher", True))


@dataclass(frozen=True, eq=False)
class Round:
    """One batch: the learner that chose it, and what came back."""

    learner: Predictor  # fitted on all rows that were known before the batch
    known: int  # rows known before
    answers: Answers  # to this batch, as far as they came at once
    so_far: tuple[Answers, ...] = ()  # to this batch and all before it, with what arrived later


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

    A row is asked about once: one that nobody could tell is not asked about again, unless the asker says so. What a
    `LateOracle` answers later counts from the next round on; see `caught_up` for the time after the last.

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
        done = caught_up(done, oracle)
        current = grown(table, pool, done, first_free(table), None)
        learner, opinion = consult(asker, current, pool, fit_rng)
        open_ = unasked(done, len(pool), asker.again)
        chosen = choose(asker.asking, opinion, open_, n, choose_rng, price=price)
        answers = answered(chosen, pool, oracle, known(done, len(pool)), open_)
        if not len(answers.rows):
            return
        done.append(answers)
        yield Round(learner, len(current), answers, tuple(done))


def caught_up(batches: Sequence[Answers], oracle: Oracle) -> list[Answers]:
    """Return batches with the answers that have arrived since; only of a `LateOracle` is anything to come."""
    if not isinstance(oracle, LateOracle):
        return list(batches)
    return [replace(each, y=np.where(each.y < 0, oracle.arrived(each.rows), each.y)) for each in batches]


def consult(asker: Asker, table: Table, pool: Rows, rng: np.random.Generator) -> tuple[Predictor, Pool]:
    """Fit the learner, and the second kind where it is read; return the learner and the pool with their answers."""
    if len(np.unique(table.y)) < table.n_classes:
        learner: Predictor = Outlying.of(table, pool, rng)
        answers = learner.predict_proba(pool)
        return learner, Pool(unlabelled(pool, table.schema), answers, answers)
    learner = copy.deepcopy(asker.learner).fit(table, rng)
    second = None
    if asker.second is not None and asker.reads_second:
        second = copy.deepcopy(asker.second).fit(table, rng).predict_proba(pool)
    return learner, Pool(unlabelled(pool, table.schema), learner.predict_proba(pool), second)


def answered(chosen: Chosen, pool: Rows, oracle: Oracle, already: np.ndarray, open_: np.ndarray) -> Answers:
    """Ask the oracle about those chosen that are open (N,); others have the answer ``already`` (N,) there, or none."""
    rows = np.concatenate([chosen.asked, chosen.audited])
    inclusion = np.concatenate([np.full(len(chosen.asked), np.nan), chosen.inclusion])
    y = already[rows]
    new = np.flatnonzero((y < 0) & open_[rows])
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
