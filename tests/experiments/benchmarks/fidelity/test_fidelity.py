"""The benchmark of synthetic tables: its headline, its pictures and its options."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from experiments.benchmarks.fidelity.fidelity import CONTESTANTS, FLOOR, MEASURES, REAL, TABLES, headline, show
from experiments.benchmarks.fidelity.figures import beside, frontier, landed
from experiments.trust.audit.verdict import LEAKS, NONE_SEEN
from generators import TreeChain
from loop.testing.tables import numeric_table
from loop.types import Condition, Region, Request


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def results() -> pd.DataFrame:
    rows = [
        ("a", REAL, 0.9, 1.0, LEAKS),
        ("a", FLOOR, 0.5, 0.5, NONE_SEEN),
        ("a", "copula", 0.85, 0.5, NONE_SEEN),
        ("a", "diffusion", 0.8, 0.51, NONE_SEEN),
        ("b", "copula", 0.7, 0.8, LEAKS),
        ("b", "diffusion", 0.78, 0.52, NONE_SEEN),
    ]
    frame = pd.DataFrame(rows, columns=["table", "generator", "utility", "attack_auc", "state"])
    return frame.assign(real=0.9)


def test_the_headline_takes_the_best_generator_and_the_worst_table() -> None:
    found = headline(results())
    assert found["a_gap_to_real"] == pytest.approx(0.05)
    assert found["b_gap_to_real"] == pytest.approx(0.12)
    assert found["leaking"] == ["copula"]
    assert found["private"] == "diffusion", "the copula leaks on one table"
    assert found["private_gap_to_real"] == pytest.approx(0.12)
    assert found["private_attack_auc"] == pytest.approx(0.52)


def test_one_alarm_in_three_splits_is_no_leak_and_two_are() -> None:
    once, twice = results(), results()
    once.loc[once["generator"] == "copula", "state"] = NONE_SEEN
    twice.loc[(twice["generator"] == "diffusion") & (twice["table"] == "a"), "state"] = LEAKS
    assert headline(pd.concat([once, once, twice]))["leaking"] == []
    assert headline(pd.concat([once, twice, twice]))["leaking"] == ["copula", "diffusion"]


def test_the_table_counts_the_splits_in_which_a_leak_was_found() -> None:
    figures = dict.fromkeys((*MEASURES, "seconds_fit", "seconds_draw"), 0.5)
    rows = pd.concat([results(), results().assign(state=NONE_SEEN)]).assign(**figures)
    console = Console(file=(printed := StringIO()), width=200)
    show(rows, console)
    assert printed.getvalue().count("leaks: 1 of 2") == printed.getvalue().count("leaks: ") == 2


def test_if_all_leak_the_one_that_leaks_least_is_taken() -> None:
    found = headline(results().assign(state=LEAKS))
    assert found["private"] == "diffusion"
    assert found["leaking"] == ["copula", "diffusion"]


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
