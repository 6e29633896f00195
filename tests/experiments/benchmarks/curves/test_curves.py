"""Savings of rows and seconds: read rightly off planted curves, and the cells they are read from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import rare_table, tiny_parts

from experiments.arms.names import REAL_ONLY
from experiments.benchmarks.curves import curves
from experiments.benchmarks.curves.cells import (
    AIMED,
    GENERATIONS,
    UNTARGETED,
    RowsCurve,
    Sides,
    fitted,
    kept_rows,
    walk,
)
from experiments.benchmarks.curves.figures import picture
from experiments.benchmarks.curves.readings import (
    Reading,
    aim_advantages,
    costs,
    efficient,
    first_reach,
    headline,
    mean_curve,
    middle,
    middle_interval,
    tables_of,
)
from experiments.config.strategies import compose
from experiments.storage.result_cache import digest_of
from learners import Committee, Linear
from loop.cycle.acceptance import Acceptance
from loop.cycle.conclusion import conclude
from loop.cycle.controller import generations
from loop.cycle.parts import Settings
from loop.errors import WeakspotError

BUDGETS = np.array([0.0625, 0.125, 0.25, 0.5, 1, 2, 4])
SIDES = Sides(rare_table(300), rare_table(300, seed=1), None, 0)
PARTS = tiny_parts()


def curve(x: np.ndarray, y: np.ndarray) -> pd.Series:
    return pd.Series(y, index=x)


# Readings of planted curves


@given(st.floats(0.07, 3.9))
def test_between_points_a_curve_is_linear_in_the_logarithm(x: float) -> None:
    found = first_reach(curve(BUDGETS, np.log(BUDGETS)), np.log(x))
    assert found.bound == "about"
    assert found.value == pytest.approx(x)


def test_beyond_its_ends_a_curve_gives_bounds() -> None:
    rising = curve(BUDGETS, BUDGETS)
    assert first_reach(rising, 5) == Reading(4, "at least")
    assert first_reach(rising, 0.01) == Reading(0.0625, "at most")


def test_a_wavering_curve_is_read_in_its_own_favour() -> None:
    assert first_reach(curve(np.array([1, 2, 4, 8]), np.array([0, 1, 0, 2])), 1).value == 2


@given(st.floats(1.5, 8))
def test_a_planted_advantage_is_read_at_every_budget(times: float) -> None:
    untargeted = curve(BUDGETS, np.log(BUDGETS) + 5)
    found = aim_advantages(curve(BUDGETS, np.log(BUDGETS * times) + 5), untargeted)
    assert list(found) == BUDGETS.tolist()
    for budget, reading in found.items():
        inside = budget * times <= BUDGETS[-1]
        assert reading.bound == ("about" if inside else "at least")
        assert reading.value == pytest.approx(times if inside else BUDGETS[-1] / budget)


def test_without_a_gain_there_is_no_advantage() -> None:
    found = aim_advantages(curve(BUDGETS, -BUDGETS), curve(BUDGETS, BUDGETS))
    assert found == dict.fromkeys(BUDGETS, Reading(0.0, "about"))


def test_budgets_without_a_gain_count_in_the_median() -> None:
    found = results()
    aimed = (found["curve"] == "rows") & (found["arm"] == AIMED)
    spoilt = found.assign(average_precision=found["average_precision"] - 0.2 * (aimed & (found["x"] != 0.5)))
    said = headline(spoilt)
    assert said["aim_advantage_suite"] == pytest.approx(4)
    assert said["aim_advantage_suite_median"] == 0
    assert picture(spoilt).axes[0].get_title(loc="left").endswith("aim mostly brings no gain")


def test_useless_aim_has_an_advantage_below_one() -> None:
    found = aim_advantages(curve(BUDGETS, BUDGETS / 2), curve(BUDGETS, BUDGETS))
    assert max(reading.value for budget, reading in found.items() if budget > BUDGETS[0]) < 1


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8, unique=True))
def test_efficient_settings_are_those_that_no_other_dominates(pairs: list[tuple[int, int]]) -> None:
    points = pd.DataFrame(pairs, columns=["gain", "seconds"])
    dominated = [
        any(g >= gain and s <= seconds and (g, s) != (gain, seconds) for g, s in pairs) for gain, seconds in pairs
    ]
    assert efficient(points).tolist() == [not each for each in dominated]


# Planted results


def results(tables: int = 3, splits: int = 3, noise: float = 0.0) -> pd.DataFrame:
    """Aim saves a factor of four in rows; the surrogate costs and brings."""
    rng, rows = np.random.default_rng(0), []

    def add(kind: str, arm: str, x: float, ap: float, seconds: float = 0.0) -> None:
        names = ["card fraud"] if kind == "fraud" else [f"table {number}" for number in range(tables)]
        for number, table in enumerate(names):
            for split in range(splits):
                ap_here = 0.5 + number / 10 + ap + noise * rng.normal()
                rows.append((kind, table, str(split), arm, x, ap_here, seconds * (1 + number)))

    for kind in ("rows", "fraud"):
        add(kind, REAL_ONLY, 0, 0)
        for budget in BUDGETS:
            add(kind, AIMED, budget, 0.005 * np.log2(budget * 4 * 64))
            add(kind, UNTARGETED, budget, 0.005 * np.log2(budget * 64))
    add("cost", REAL_ONLY, 0, 0, 0.3)
    for turns in range(1, 7):
        add("cost", GENERATIONS, turns, 0.04 * (1 - 0.5**turns), 8 + 4 * turns)
    add("cost", "no surrogate", 4, 0.035, 45)
    names = ["curve", "table", "split", "arm", "x", "average_precision", "seconds"]
    return pd.DataFrame(rows, columns=names)


def test_the_headline_is_what_was_planted() -> None:
    said = headline(results())
    assert said["aim_advantage_suite"] == pytest.approx(4)
    assert said["aim_advantage_fraud_median"] == pytest.approx(4)
    assert said["aim_advantage_suite_bound"] == "about"
    assert said["aim_advantage_suite_median_90"] == pytest.approx([4, 4])
    assert (said["tables"], said["splits"]) == (3, 3)
    json.dumps(said)


def test_curves_that_were_not_measured_are_not_in_the_headline() -> None:
    found = results()
    assert not [name for name in headline(found[found["curve"] == "cost"]) if "aim" in name]


def test_means_are_over_tables_and_intervals_over_splits() -> None:
    found = results()
    aimed = mean_curve(found, "rows", AIMED)
    assert aimed.index.tolist() == BUDGETS.tolist()
    assert aimed["gain"][1.0] == pytest.approx(0.04)
    assert aimed["score"][1.0] == pytest.approx(0.64)
    assert aimed["gain_half"].max() == pytest.approx(0)  # tables differ, splits do not
    for few in (1, 2):
        assert mean_curve(results(splits=few), "rows", AIMED)["gain_half"].isna().all()


def test_the_middle_of_bounds_is_a_bound() -> None:
    about, least = Reading(2.0, "about"), Reading(16.0, "at least")
    assert middle({}) == Reading(0.0, "about")
    assert middle({1: about, 2: about, 3: least}) == about
    assert middle({1: about, 2: least}) == Reading(9.0, "at least")
    assert middle({1: Reading(1.0, "at most"), 2: about}) == Reading(1.5, "at most")


def test_noise_widens_the_interval_of_the_advantage() -> None:
    low, high = middle_interval(results(noise=0.005), "rows") or (0, 0)
    assert 1.5 < low < high - 0.5
    assert high > 3.5
    assert middle_interval(results(tables=1, splits=1), "rows") is None


def test_settings_that_cost_more_and_bring_less_are_not_efficient() -> None:
    found = costs(results())
    assert not found["efficient"]["no surrogate"]
    assert found["efficient"].drop("no surrogate").all()
    assert found["seconds"]["1 generation"] == pytest.approx(24)  # 12, 24 and 36 on three tables


def test_the_picture_and_the_tables_show_what_there_is() -> None:
    found = results(noise=0.003)
    titles = [axes.get_title(loc="left") for axes in picture(found).axes if axes.axison]
    assert [title.split(":")[0] for title in titles] == ["Rare-class suite", "Card fraud", "Cost"]
    assert len(list(tables_of(found))) == 3
    alone = found[found["curve"] == "cost"]
    assert [axes.axison for axes in picture(alone).axes] == [True]  # no room for what was not measured
    assert len(list(tables_of(alone))) == 1


# Cells


def test_kept_rows_obey_the_budget_and_not_to_the_cap() -> None:
    prepared = SIDES.prepared(replace(PARTS, settings=Settings(generations=2, most_rows=20, patience=2, jobs=1)))
    few, many = kept_rows(prepared, 0.1), kept_rows(prepared, 1.0)
    assert 0 < len(few) <= 30
    assert 40 < len(many) <= 300


def test_the_learner_fitted_is_the_one_that_the_loop_delivers() -> None:
    prepared = SIDES.prepared(PARTS)
    history = list(generations(prepared))
    delivered = conclude(prepared, history)
    assert delivered.verdict.kept > 0
    learner = fitted(prepared, delivered.synthetic)
    np.testing.assert_array_equal(
        learner.predict_proba(SIDES.test.rows), delivered.learner.predict_proba(SIDES.test.rows)
    )


def test_a_walk_delivers_what_loops_of_so_many_generations_deliver() -> None:
    walked = list(walk(replace(PARTS, settings=replace(PARTS.settings, generations=3)), SIDES))
    assert [turns for turns, _, _ in walked] == [1, 2, 3]
    for turns, learner, seconds in walked[:2]:
        run = SIDES.looped(replace(PARTS, settings=replace(PARTS.settings, generations=turns)))
        np.testing.assert_array_equal(
            learner.predict_proba(SIDES.test.rows), run.outcome.learner.predict_proba(SIDES.test.rows)
        )
        assert seconds > 0


# The command


def run(folder: Path, **changes: object) -> None:
    options = {"curves": "rows,cost", "tables": "oil_spill", "splits": 1, "starts": "2018-07-25", "aimed": 0.125}
    sizes = {"fraud_aimed": 0.125, "untargeted": 0.25, "most_generations": 2, "out": folder / "out", "jobs": 1}
    curves.main(**{**options, **sizes, **changes})  # type: ignore[arg-type]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small table in place of the suite's, and parts of little capacity."""
    table = rare_table(400)
    frame = pd.DataFrame(table.X, columns=list(table.schema.names)).assign(target=table.y)
    frame.to_parquet(tmp_path / "oil_spill.parquet")
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    quick = replace(PARTS, teacher=Committee(members=(Linear(),), jobs=1), acceptance=Acceptance(replicates=10))
    monkeypatch.setattr(curves, "compose", lambda settings: quick)
    monkeypatch.setattr(curves, "other_parts", lambda settings: {"another": quick})
    return tmp_path


def test_the_command_measures_draws_and_finds_its_cells_again(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(small)
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"aim_advantage_suite", "efficient_settings"} <= set(said)
    assert (small / "out" / "curves.png").stat().st_size > 10_000
    monkeypatch.setattr(curves, "suite_sides", None)
    run(small)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == said


@pytest.mark.parametrize("option", ["curves", "tables", "starts"])
@pytest.mark.parametrize("names", ["unheard_of", ""])
def test_unknown_names_are_refused_before_any_work(tmp_path: Path, option: str, names: str) -> None:
    with pytest.raises(WeakspotError, match=f"{option} must be among"):
        run(
            tmp_path,
            curves=names if option == "curves" else "fraud,rows",
            **({} if option == "curves" else {option: names}),
        )
    assert not (tmp_path / "out").exists()


def test_cells_are_told_apart_by_work_and_data_and_not_by_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    (tmp_path / "mine.parquet").write_bytes(b"1")
    one, two = (RowsCurve(compose(settings=Settings(jobs=jobs))) for jobs in (1, 2))
    other = RowsCurve(compose(settings=Settings(jobs=1, generations=2)))
    known = digest_of(one, "suite:mine")
    assert known == digest_of(two, "suite:mine")
    assert known != digest_of(other, "suite:mine")
    (tmp_path / "mine.parquet").write_bytes(b"12")
    assert known != digest_of(one, "suite:mine")
