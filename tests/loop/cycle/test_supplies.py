"""Several supplies: asked in turn, each with its own end, and stated rows judged by what the judge rows cannot show."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pytest
from tiny import rare_table, tiny_parts

from generators.resampling.resample import proposals
from loop.cycle.acceptance import CalibrationGuard
from loop.cycle.conclusion import conclude
from loop.cycle.controller import prepare
from loop.cycle.driver import LoopRun, run_loop, turn
from loop.cycle.held_back import ROWS
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.cycle.stopping import next_supply
from loop.errors import ConfigError
from loop.gates import Contradicted
from loop.protocols import Gate
from loop.seeds import stream
from loop.supplies.acquisition import Blindness, Uniform
from loop.supplies.labelling import ByCondition
from loop.supplies.supply import Supply
from loop.types import Request, Samples, Table

TABLE = rare_table(600)
FOLDS = deal(TABLE, np.random.default_rng(0), k=3)


@dataclass(eq=False)
class Pattern:
    """States that rows near (-2, -2) of the last two columns are positive, which no real row shows."""

    at: float = -2.0

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        self.table_ = table
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        base = rng.integers(len(self.table_), size=request.n)
        X = self.table_.X[base].copy()
        X[:, 2:] = self.at + 0.1 * rng.normal(size=(request.n, 2))
        parents = self.table_.row_number[base]
        return Samples(proposals(X, np.ones(len(X), dtype=np.int64), parents, self.table_.schema), request, request.n)


def stated(rows: int = 60, gates: tuple[Gate, ...] = (), **changes: object) -> Supply:
    own = Supply(Pattern(), Blindness(), ByCondition(), gates, "stated", rows, aimed=False, stated=True)
    return replace(own, **changes)  # type: ignore[arg-type]


def looped(*supplies: Supply, generations: int = 3, table: Table = TABLE) -> LoopRun:
    parts = tiny_parts(settings=Settings(generations=generations, jobs=1))
    parts = replace(parts, supplies=(*supplies, *parts.supplies))
    return run_loop(parts, table, FOLDS, stream(0, "loop"))


@pytest.fixture(scope="module")
def run() -> LoopRun:
    return looped(stated())


def test_supplies_take_turns(run: LoopRun) -> None:
    told = [generation.supply for generation in run.history]
    assert told[:3] == ["stated", "taught", "stated"] or told[:3] == ["stated", "taught", "taught"]
    assert [generation.index for generation in run.history] == list(range(1, len(told) + 1))
    for generation in run.history:
        assert {origin.supply for origin in generation.origins} == {generation.supply}
        assert generation.regions == () or generation.supply == "taught"


def test_what_judge_rows_cannot_show_is_kept_and_known_afterwards(run: LoopRun) -> None:
    assert run.history[0].decision.kept
    assert run.history[0].decision.reason == "stated, and no harm is proven"
    (caught,) = run.outcome.caught
    assert (caught.supply, caught.rows) == ("stated", 3 * -(-ROWS // 3))
    assert caught.before.high < 0.3
    assert caught.after.low > 0.8
    assert caught.before.low <= caught.before.estimate <= caught.before.high


def test_a_supply_ends_once_the_learner_knows_or_its_rows_are_used_up(run: LoopRun) -> None:
    rows = [len(generation.rows) for generation in run.history if generation.supply == "stated"]
    assert all(n <= 20 for n in rows)
    many = looped(stated(rows=600, acquisition=Blindness(least=0.4)), generations=5)
    turns = [generation for generation in many.history if generation.supply == "stated"]
    assert 2 <= len(turns) < 5  # all 600 were not needed
    assert turns[-1].counts["kept"] == 0
    assert next_supply(many.prepared.parts, many.history) is None


def test_without_other_supplies_nothing_changes(run: LoopRun) -> None:
    alone = looped()
    assert [generation.supply for generation in alone.history] == ["taught"] * len(alone.history)
    assert alone.outcome.caught == ()


def test_rows_of_a_contradicted_statement_are_refused_and_counted() -> None:
    @dataclass(eq=False)
    class Honest(Pattern):
        """States that rows are positive which are honest."""

        def sample(self, request: Request, rng: np.random.Generator) -> Samples:
            honest = np.flatnonzero(self.table_.y == 0)
            X = self.table_.X[rng.choice(honest, size=request.n)]
            nobody = np.full(len(X), -1)
            made = proposals(X, np.ones(len(X), dtype=np.int64), nobody, self.table_.schema)
            return Samples(made, request, request.n)

    (first, *_) = looped(stated(gates=(Contradicted(),), generator=Honest()), generations=1).history
    assert first.supply == "stated"
    assert (
        first.counts["refused: equals real rows of another class"]
        == first.counts["proposed"] - first.counts["unchosen"]
    )
    assert not first.decision.kept


def test_stated_rows_that_do_proven_harm_are_rolled_back() -> None:
    """The statement calls the place of the honest rows positive; the real positives are then lost among them."""
    table = rare_table(900, seed=3)

    @dataclass(eq=False)
    class Everywhere(Pattern):
        def sample(self, request: Request, rng: np.random.Generator) -> Samples:
            X = self.table_.X[rng.choice(np.flatnonzero(self.table_.y == 0), size=request.n)]
            X = X + 0.01 * rng.normal(size=X.shape)
            made = proposals(X, np.ones(len(X), dtype=np.int64), np.full(len(X), -1), self.table_.schema)
            return Samples(made, request, request.n)

    parts = tiny_parts(settings=Settings(generations=1, jobs=1))
    parts = replace(parts, supplies=(stated(rows=900, generator=Everywhere(), acquisition=Uniform()),))
    outcome = run_loop(parts, table, deal(table, np.random.default_rng(0), k=3), stream(0, "loop"))
    assert outcome.history[0].decision.reason == "proven harm"
    assert not len(outcome.outcome.synthetic)


def test_a_second_choice_is_one_more_evaluation_of_the_judge_rows(run: LoopRun) -> None:
    """The guard refuses all kept rows together; it does not speak on stated ones alone."""
    history = [replace(each, decision=replace(each.decision, kept=True)) for each in run.history]
    parts = run.prepared.parts
    strict = replace(parts.acceptance, guards=(CalibrationGuard(tolerance=-1.0),))
    outcome = conclude(replace(run.prepared, parts=replace(parts, acceptance=strict)), history)
    assert {outcome.origins[number].supply for number in outcome.synthetic.supply} == {"stated"}
    assert f"corrected for {len(history) + 2} evaluations of the judge rows" in outcome.verdict.sentence


def test_a_resumed_run_equals_the_uninterrupted_one(run: LoopRun) -> None:
    prepared = prepare(run.prepared.parts, TABLE, FOLDS, stream(0, "loop"))
    again, _ = turn(prepared, past=run.history[:2])
    assert [each.supply for each in again] == [each.supply for each in run.history]
    for one, other in zip(again, run.history, strict=True):
        np.testing.assert_array_equal(one.rows.X, other.rows.X)
        assert one.decision == other.decision


def test_supplies_need_names_of_their_own() -> None:
    with pytest.raises(ConfigError, match="supplies of different names, got \\['stated', 'stated'\\]"):
        replace(tiny_parts(), supplies=(stated(), stated()))
    with pytest.raises(ConfigError, match="rows of supply 'stated' must be at least 1, got 0"):
        stated(rows=0)
