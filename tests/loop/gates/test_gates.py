"""Every gate obeys the laws; then what is special to each."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop.errors import ConfigError
from loop.gates import Constraints, Copies, Domain, Label, Rule, combine
from loop.gates.copies import Space
from loop.protocols import Gate
from loop.rows import Rows
from loop.testing.gates import LAWS, Make, mixed_candidates, passes_real_rows, refuses_a_copied_row
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Column, Schema, Table, Verdict

MAKERS: dict[str, Make] = {
    "domain": Domain,
    "domain with a margin": lambda: Domain(margin=0.1),
    "copies": Copies,
    "copies and near ones": lambda: Copies(near=0.2),
    "label": Label,
    "constraints": lambda: Constraints(
        (
            Rule("amount <= 500", frozenset({"amount"}), lambda columns, zones: columns["amount"] <= 500),
            Rule("no ships", frozenset({"merchant"}), lambda columns, zones: columns["merchant"] != "ships"),
        )
    ),
    "constraints of uniqueness": lambda: Constraints(unique=(("score", "amount", "opened"),)),
}


class Chain:
    """All gates as one: what holds for each must hold for the chain."""

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        return combine([Domain(), Copies(near=0.2), Label()], candidates, reference, rng)


MAKERS["chain"] = Chain


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Make], None], make: Make) -> None:
    law(make)


@pytest.mark.parametrize("name", ["domain", "domain with a margin", "label", "constraints"])
def test_real_rows_pass(name: str) -> None:
    passes_real_rows(MAKERS[name])


@pytest.mark.parametrize("name", ["copies", "copies and near ones"])
def test_copied_rows_are_refused(name: str) -> None:
    refuses_a_copied_row(MAKERS[name])


# Domain


def test_domain_names_each_fault() -> None:
    reason = Domain().judge(mixed_candidates(), mixed_table(), rng()).reason
    faults = {
        "out of range": slice(60, 70),
        "missing not allowed": slice(70, 80),
        "unknown category": slice(100, 110),
        "not whole": slice(80, 100),
        "not finite": slice(110, 115),
    }
    for name, rows in faults.items():
        assert set(reason[rows]) == {name}


@given(value=st.floats(-20, 20), margin=st.sampled_from([0.0, 0.1, 1.0]))
def test_domain_margin_is_a_share_of_the_range(value: float, margin: float) -> None:
    schema = Schema((Column("x", "numeric", "float64", low=0.0, high=10.0),), ("no", "yes"))
    table = Table.real(np.array([[value]]), np.zeros(1), schema)
    expected = -10 * margin <= value <= 10 + 10 * margin
    assert Domain(margin).judge(table, table, rng()).keep[0] == expected


def test_domain_takes_columns_without_a_known_range_and_fractions_of_a_second() -> None:
    columns = (Column("x", "numeric", "float64"), Column("t", "datetime", "datetime64[us]", 0.5, 9.25))
    table = Table.real(np.array([[1e300, 0.5], [-5.0, 9.25]]), np.zeros(2), Schema(columns, ("no", "yes")))
    assert Domain(margin=0.5).judge(table, table, rng()).keep.all()


# Copies


def test_the_first_of_equal_candidates_stays() -> None:
    reference = numeric_table(50, 2)
    row = np.array([[9.0, np.nan], [9.0, np.nan], [0.0, 1.0], [-0.0, 1.0], [9.0, 1.0]])
    verdict = Copies().judge(Table.real(row, np.zeros(5), reference.schema), reference, rng())
    assert verdict.keep.tolist() == [True, False, True, False, True]
    assert verdict.counts() == {"copy of a candidate": 2}


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), columns=st.integers(1, 4))
def test_copies_agree_with_comparing_every_pair(seed: int, columns: int) -> None:
    draw = rng(seed)
    values = np.array([0.0, 1.0, 2.5, np.nan])
    real, made = (draw.choice(values, (n, columns)) for n in (8, 12))
    schema = Schema(tuple(Column(f"x{j}", "numeric", "float64") for j in range(columns)), ("no", "yes"))

    def equal(a: np.ndarray, b: np.ndarray) -> bool:
        return np.array_equal(a, b, equal_nan=True)

    verdict = Copies().judge(Table.real(made, np.zeros(12), schema), Table.real(real, np.zeros(8), schema), rng())
    for i, row in enumerate(made):
        copied = any(equal(row, other) for other in real)
        repeated = any(equal(row, other) for other in made[:i])
        expected = "copy of a real row" if copied else "copy of a candidate" if repeated else ""
        assert verdict.reason[i] == expected


def test_near_copies_are_measured_in_standard_deviations() -> None:
    reference = numeric_table(500, 3)
    scaled = replace(reference, rows=Rows(reference.X * [1.0, 1e6, 1e-6]))
    for table in (reference, scaled):
        step = table.X.std(axis=0) * [1, 0, 0]
        moved = replace(
            table, rows=Rows(np.concatenate([table.X[:20] + 1e-4 * step, table.X[:20] + 50 * step])), y=table.y[:40]
        )
        moved = Table.real(moved.X, moved.y, table.schema)
        keep = Copies(near=1e-3).judge(moved, table, rng()).keep
        assert keep.tolist() == [False] * 20 + [True] * 20


def test_no_reference_means_no_copies_of_it() -> None:
    table = numeric_table(10, 2)
    assert Copies(near=1.0).judge(table, table.take(np.arange(0)), rng()).keep.all()


def test_distance_counts_deviations_mismatches_and_missing_values() -> None:
    table = mixed_table(2000)
    row = table.X[~np.isnan(table.X[:, :7]).any(axis=1)][:1]

    def away(column: int, value: float) -> float:
        other = row.copy()
        other[0, column] = value
        return float(Space(table).distances(row, other)[0][0, 0])

    assert away(1, row[0, 1] + 3 * table.X[:, 1].std()) == pytest.approx(3)
    assert away(4, 1 - row[0, 4]) == pytest.approx(1)  # boolean
    assert away(5, (row[0, 5] + 1) % 3) == pytest.approx(1)  # category
    assert away(6, np.nan) == pytest.approx(1)
    assert away(0, np.nan) >= 1


# Label


def two_clusters() -> Table:
    """400 rows of class 0 around the origin and 12 of class 1 around (6, 6)."""
    X = np.concatenate([rng(0).normal(size=(400, 2)), rng(1).normal(6, 0.5, (12, 2))])
    return Table.real(X, np.repeat([0, 1], [400, 12]), numeric_table(10, 2).schema)


def labelled(reference: Table, X: list[list[float]], soft: list[list[float]] | None = None) -> Table:
    hard = Table.real(np.array(X), np.ones(len(X)), reference.schema)
    return hard if soft is None else replace(hard, soft=np.array(soft), y=np.argmax(soft, axis=1))


def test_label_refuses_a_rare_label_far_from_its_class_and_no_other() -> None:
    reference = two_clusters()
    made = labelled(reference, [[0.0, 0.0], [6.0, 6.0], [6.2, 5.9]])
    assert Label().judge(made, reference, rng()).reason.tolist() == ["label contradicted", "", ""]


def test_label_lets_a_rare_row_among_the_many_vouch_for_its_like() -> None:
    """A majority vote would refuse these: every neighbourhood is all but one of class 0."""
    reference = two_clusters()
    lonely = replace(reference, y=np.where(np.arange(412) % 50 == 0, 1, reference.y))
    beside = lonely.X[:400][lonely.y[:400] == 1] + 0.01
    assert Label().judge(Table.real(beside, np.ones(len(beside)), lonely.schema), lonely, rng()).keep.all()


def test_label_takes_no_measure_from_rows_with_an_exact_twin() -> None:
    reference = two_clusters()
    twins = reference.X.copy()
    twins[400:407] = twins[400]  # more than half of the class
    twinned = replace(reference, rows=Rows(twins))
    made = labelled(twinned, [[6.0, 6.0], [6.2, 5.9], [0.0, 0.0]])
    assert Label().judge(made, twinned, rng()).keep.tolist() == [True, True, False]
    twinned.X[400:] = twins[400]
    assert Label().judge(made, twinned, rng()).keep.all(), "no two rows of the class lie apart"


def test_label_judges_the_class_above_one_half() -> None:
    reference = two_clusters()
    soft = [[0.1, 0.9], [0.9, 0.1], [0.5, 0.5]]
    verdict = Label().judge(labelled(reference, [[0.0, 0.0]] * 3, soft), reference, rng())
    assert verdict.keep.tolist() == [False, True, True]


@pytest.mark.parametrize("rows", [0, 1])
def test_label_does_not_judge_a_class_it_does_not_know(rows: int) -> None:
    reference = two_clusters().take(np.arange(400 + rows))
    assert Label().judge(labelled(reference, [[0.0, 0.0]]), reference, rng()).keep.all()


def test_label_finds_planted_contradictions_among_mixed_columns() -> None:
    reason = Label().judge(mixed_candidates(), mixed_table(), rng()).reason
    assert set(reason[160:180]) == {"label contradicted"}
    assert (reason[:60] == "label contradicted").mean() < 0.1


# combine


class Witness:
    """Keeps everything and remembers how many rows it was shown."""

    def __init__(self) -> None:
        self.shown: list[int] = []

    def judge(self, candidates: Table, reference: Table, rng: np.random.Generator) -> Verdict:
        self.shown.append(len(candidates))
        return Verdict.refuse(np.zeros(len(candidates), dtype=bool), "never")


def test_the_first_reason_stands_and_refused_rows_are_judged_once() -> None:
    candidates, reference, witness = mixed_candidates(), mixed_table(), Witness()
    gates: list[Gate] = [Domain(), witness, Copies(), witness]
    verdict = combine(gates, candidates, reference, rng())
    first = Domain().judge(candidates, reference, rng())
    np.testing.assert_array_equal(verdict.reason[~first.keep], first.reason[~first.keep])
    assert witness.shown == [int(first.keep.sum()), int(verdict.keep.sum())]


def test_no_gate_keeps_everything() -> None:
    assert combine([], mixed_candidates(), mixed_table(), rng()).keep.all()


@pytest.mark.parametrize(
    "make",
    [lambda: Domain(margin=-0.1), lambda: Copies(near=-1.0), lambda: Label(neighbours=0), lambda: Label(factor=0.0)],
)
def test_settings_out_of_range_are_named(make: Make) -> None:
    with pytest.raises(ConfigError, match="got"):
        make()
