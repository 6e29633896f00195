"""Asking about the rows of a frame: what the estimator asks of a function, and what it would ask next."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from loop.asking.choice import Asking, choose
from loop.asking.ledger import Answers, first_free, grown, unasked
from loop.asking.oracles import ByFunction
from loop.asking.rounds import Asker, ask, consult
from loop.data.encoding import check_range, encode_features
from loop.errors import ConfigError
from loop.protocols import Learner, Teacher
from loop.rows import Rows
from loop.support.setting_checks import check_bounds
from loop.types import Table

Answering = Callable[[pd.DataFrame], object]


@dataclass(frozen=True)
class Questions:
    """How many questions an oracle is asked, and how they are chosen.

    Parameters
    ----------
    rows : int
        In all, in equal batches; also those of ``queue_``.
    batches : int
        Between two of them the learner is fitted again.
    asking : Asking
    second : Learner, optional
        A model of another kind, for an acquisition that reads how the two differ; by default the loop's teacher.
    again : bool
        Ask again about rows that were asked about and not answered; by default once is enough.

    Raises
    ------
    ConfigError
        If rows or batches are below 1.
    """

    rows: int = 200
    batches: int = 4
    asking: Asking = field(default_factory=Asking)
    second: Learner | None = None
    again: bool = False

    def __post_init__(self) -> None:
        check_bounds(self, least={"rows": 1, "batches": 1})


@dataclass(frozen=True, eq=False)
class Inquiry:
    """Rows without labels, the learner that asks about them, and what was answered so far."""

    questions: Questions
    learner: Learner
    pool: pd.DataFrame
    rows: Rows
    answers: tuple[Answers, ...] = ()

    @classmethod
    def of(
        cls,
        questions: Questions | None,
        learner: Learner,
        table: Table,
        pool: pd.DataFrame | None,
        oracle: Answering | None,
        teacher: Teacher | None = None,
    ) -> "Inquiry | None":
        """Encode the rows of a frame by the schema of the table; None = there are none.

        The teacher is the second model where the questions name none.

        Raises
        ------
        ConfigError
            If there is an oracle, and no rows to ask it about, or the acquisition needs a teacher, and there is none.
        DataError
            If a column is missing or of another type.
        """
        if pool is None:
            if oracle is not None:
                raise ConfigError("an oracle needs rows to be asked about, got none: pass them as unlabelled.")
            return None
        rows = encode_features(table.schema, pool)
        check_range(table.schema, rows.X)
        wanted = questions or Questions()
        if wanted.second is None and isinstance(teacher, Learner):
            wanted = replace(wanted, second=teacher)
        Asker(learner, wanted.second, wanted.asking)  # refuses an acquisition without its second model
        return cls(wanted, learner, pool, rows)

    @property
    def asker(self) -> Asker:
        """The learner with its way of asking."""
        return Asker(self.learner, self.questions.second, self.questions.asking, self.questions.again)

    def asked(self, table: Table, oracle: Answering, rng: np.random.Generator) -> "tuple[Inquiry, Table]":
        """Ask an oracle all questions; return the inquiry with the answers, and the table with the answered rows."""
        sizes = [len(part) for part in np.array_split(np.arange(self.questions.rows), self.questions.batches)]
        answering = ByFunction(oracle, self.pool, table.schema)
        answers = [
            each.answers for each in ask(self.asker, table, self.rows, answering, list(filter(None, sizes)), rng)
        ]
        done = Inquiry(self.questions, self.learner, self.pool, self.rows, tuple(answers))
        return done, grown(table, self.rows, answers, first_free(table), None)

    def queue(self, table: Table, rng: np.random.Generator) -> pd.DataFrame:
        """Return the rows worth asking about next, best first, the audited ones last.

        Parameters
        ----------
        table : Table
            All rows known, the answered ones among them.

        Returns
        -------
        DataFrame
            Rows of the pool under their index, with ``ws_kind`` (ask or audit), ``ws_score`` (probability of the
            class to catch) and ``ws_inclusion`` (probability of the draw into the audit; 1 = chosen).
        """
        fit_rng, choose_rng = rng.spawn(2)
        _, opinion = consult(self.asker, table, self.rows, fit_rng)
        open_ = unasked(self.answers, len(self.rows), self.questions.again)
        chosen = choose(self.questions.asking, opinion, open_, self.questions.rows, choose_rng)
        new = open_[chosen.audited]
        at = np.concatenate([chosen.asked, chosen.audited[new]])
        return self.pool.iloc[at].assign(
            ws_kind=np.repeat(["ask", "audit"], [len(chosen.asked), int(new.sum())]),
            ws_score=opinion.learner[at, table.schema.positive],
            ws_inclusion=np.concatenate([np.ones(len(chosen.asked)), chosen.inclusion[new]]),
        )
