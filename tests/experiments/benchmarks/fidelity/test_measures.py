"""Measures of synthetic tables: right where the answer is known."""

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.fidelity.fidelity import CONTESTANTS, FLOOR, REAL, TABLES, Independent, headline
from experiments.benchmarks.fidelity.figures import beside, frontier, landed
from experiments.benchmarks.fidelity.measures import attack_advantage, closeness, halves, likeness, utility
from generators import Resample, TreeChain
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Condition, Region, Request, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sides(n: int = 1200) -> tuple[Table, Table]:
    """Deal rows of one distribution into two halves that have no row in common."""
    return halves(numeric_table(n), rng())


def test_halves_part_the_rows() -> None:
    table = numeric_table(101)
    one, other = halves(table, rng())
    assert sorted([*one.row_number, *other.row_number]) == list(range(101))


def test_rows_that_were_learnt_by_heart_betray_their_members() -> None:
    members, others = sides()
    assert attack_advantage(members, others, members) == 1.0
    assert closeness(members, others, members, rng()) == 1.0


def test_fresh_rows_betray_nobody() -> None:
    members, others = sides()
    fresh = numeric_table(600, seed=7)
    chance = 0.87 * np.sqrt(2 / len(members))
    assert attack_advantage(members, others, fresh) < 2 * chance
    assert abs(closeness(members, others, fresh, rng()) - 0.5) < 0.06


def test_closeness_does_not_depend_on_how_the_training_rows_are_sorted() -> None:
    table = numeric_table(3000)
    held_out, train = table.take(np.arange(300)), table.take(np.arange(300, 3000))
    by_first = train.take(np.argsort(train.X[:, 0]))
    fresh = numeric_table(600, seed=7)
    assert abs(closeness(by_first, held_out, fresh, rng()) - 0.5) < 0.08


def test_half_of_the_members_copied_is_half_an_advantage() -> None:
    members, others = sides(4000)
    leaked = Table.concat([members.take(np.arange(1000)), numeric_table(1000, seed=7)])
    assert 0.45 < attack_advantage(members, others, leaked) < 0.6


def test_utility_is_that_of_the_labels() -> None:
    train, test = numeric_table(1500), numeric_table(1500, seed=1)
    shuffled = Independent().fit(train, rng()).sample(Request(Region(), None, 1500), rng()).table
    assert utility(train, test, rng()) > 0.9
    assert abs(utility(shuffled, test, rng()) - 0.5) < 0.1
    assert utility(train.take(train.y == 0), test, rng()) == 0.5


def test_likeness_tells_apart_what_columns_alone_do_not() -> None:
    table = mixed_table(1500)
    again = Resample().fit(table, rng()).sample(Request(Region(), None, 1500), rng()).table
    linked = numeric_table(1500)
    linked.X[:, 1] = linked.X[:, 0]
    loose = Independent().fit(linked, rng()).sample(Request(Region(), None, 1500), rng()).table
    alike, floor = likeness(table, again, rng()), likeness(linked, loose, rng())
    assert alike["shapes"] > 0.95
    assert alike["pairs"] > 0.97
    assert floor["shapes"] > 0.95
    assert floor["pairs"] < 0.97
    assert floor["real_or_synthetic_auc"] > 0.75 > 0.6 > alike["real_or_synthetic_auc"]


def results() -> pd.DataFrame:
    rows = [
        ("a", REAL, 0.9, 0.9),
        ("a", FLOOR, 0.5, 0.0),
        ("a", "copula", 0.85, 0.05),
        ("a", "diffusion", 0.8, 0.01),
        ("b", "copula", 0.7, 0.01),
        ("b", "diffusion", 0.78, 0.02),
    ]
    frame = pd.DataFrame(rows, columns=["table", "generator", "utility", "attack_advantage"])
    return frame.assign(real=0.9)


def test_the_headline_takes_the_best_generator_and_the_worst_table() -> None:
    found = headline(results())
    assert found["a_gap_to_real"] == pytest.approx(0.05)
    assert found["b_gap_to_real"] == pytest.approx(0.12)
    assert found["private"] == "diffusion", "the copula gives away more on one table"
    assert found["private_gap_to_real"] == pytest.approx(0.12)
    assert found["private_attack_advantage"] == pytest.approx(0.02)


def test_pictures_name_what_they_show() -> None:
    table = numeric_table(300)
    generator = TreeChain().fit(table, rng())
    made = {"tree chain": generator.sample(Request(Region(), None, 200), rng()).table}
    region = Region((Condition(0, low=0.5),), text="x0 > 0.5")
    inside = {"tree chain": generator.sample(Request(region, None, 50), rng()).table}
    assert [panel.get_title(loc="left") for panel in frontier(results()).axes] == ["a", "b"]
    titles = [panel.get_title(loc="left") for panel in beside(table, made, (0, 1)).axes]
    assert titles[:4] == ["x0: density", "x1: density", "real rows", "tree chain"]
    assert [panel.get_title(loc="left") for panel in landed(table, inside, region, (0, 1)).axes] == [
        "tree chain: 50 rows"
    ]


def test_the_command_takes_its_own_defaults_apart() -> None:
    assert all("," not in name for name in (*CONTESTANTS, *TABLES))
