"""Drift is nothing between samples of one source, finds what was planted, and stays finite at the edges."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from loop.evaluation.drift import collapse, columns, psi, report
from loop.rows import Rows
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def shifted(table: Table, column: int, by: float) -> Table:
    X = table.X.copy()
    X[:, column] += by
    return replace(table, rows=Rows(X))


def test_samples_of_one_source_do_not_drift() -> None:
    found = report(mixed_table(4000, seed=1), mixed_table(4000, seed=2), rng())
    assert found["drift/psi_max"] < 0.02
    assert found["drift/ks_max"] < 0.05
    assert found["drift/total_variation_max"] < 0.05
    assert found["drift/wasserstein_max"] < 0.15
    assert found["drift/label_shift"] < 0.02
    assert found["drift/detection_auc"] == pytest.approx(0.5, abs=0.06)
    assert found["drift/coverage"] == pytest.approx(0.9, abs=0.05)
    assert found["drift/rare_category_coverage"] == 1


def test_a_planted_shift_is_found_in_its_column_and_its_unit() -> None:
    real = numeric_table(4000, 5)
    moved = shifted(real, 3, by=2 * real.X[:, 3].std())
    rows = columns(real, moved)
    assert [row["column"] for row in rows if float(row["psi"]) > 0.25] == ["x3"]
    assert rows[3]["wasserstein"] == pytest.approx(2)
    assert rows[3]["ks"] == pytest.approx(stats.ks_2samp(real.X[:, 3], moved.X[:, 3]).statistic)
    assert rows[0]["ks"] == rows[0]["wasserstein"] == rows[0]["psi"] == 0
    assert report(real, moved, rng())["drift/detection_auc"] > 0.8


def test_distances_agree_with_scipy() -> None:
    real, other = numeric_table(300, 2, seed=1), numeric_table(170, 2, seed=2)
    for row, a, b in zip(columns(real, other), real.X.T, other.X.T, strict=True):
        assert row["ks"] == pytest.approx(stats.ks_2samp(a, b).statistic)
        assert row["wasserstein"] == pytest.approx(stats.wasserstein_distance(a, b) / a.std())


def test_a_discrete_shift_is_found_in_codes_and_in_missing_values() -> None:
    real = mixed_table(2000)
    X = real.X.copy()
    X[:, 5] = 0.0  # merchant: all grocery
    X[:, 6] = np.nan  # channel: all missing
    rows = {str(row["column"]): row for row in columns(real, replace(real, rows=Rows(X)))}
    assert rows["merchant"]["total_variation"] == pytest.approx((real.X[:, 5] != 0).mean())
    assert rows["channel"]["total_variation"] == pytest.approx((~np.isnan(real.X[:, 6])).mean())
    assert rows["channel"]["missing_synthetic"] == 1
    assert {name for name, row in rows.items() if float(row["psi"]) > 0.25} == {"merchant", "channel"}


def test_psi_is_that_of_the_formula() -> None:
    reference, sample = np.repeat([0.0, 1.0], [60_000, 40_000]), np.repeat([0.0, 1.0], [30_000, 70_000])
    expected = 0.3 * np.log(0.6 / 0.3) + 0.3 * np.log(0.7 / 0.4)
    assert psi(reference, sample, discrete=True) == pytest.approx(expected, rel=1e-3)
    assert psi(reference, sample) == pytest.approx(expected, rel=1e-3), "few values are bins even if ordered"


def test_psi_sees_missing_values_and_values_around_a_heavy_one() -> None:
    mostly_zero = np.where(np.arange(1000) < 950, 0.0, 1.0)
    assert psi(mostly_zero, np.where(mostly_zero == 0, -1.0, 1.0)) > 1
    assert psi(mostly_zero, np.where(np.arange(1000) % 2, np.nan, mostly_zero)) > 0.25
    for seed in range(5):
        scores = rng(seed).beta(1, 30, (2, 5000))
        assert psi(*scores) < 0.02


def test_labels_may_be_soft() -> None:
    real = numeric_table(1000, 2)
    fraud = real.y.mean()
    soft = np.tile([0.5, 0.5], (1000, 1))
    shift = report(real, replace(real, soft=soft), rng())["drift/label_shift"]
    assert shift == pytest.approx(abs(0.5 - fraud))


def test_coverage_shrinks_when_modes_are_lost_and_not_when_rows_are_few() -> None:
    real, fresh = numeric_table(4000, 4, seed=1), numeric_table(4000, 4, seed=2)
    lost = fresh.take(np.resize(np.flatnonzero((fresh.X[:, :2] < 0).all(axis=1)), 4000))
    few = fresh.take(np.arange(300))
    full, quarter, thin = (report(real, part, rng())["drift/coverage"] for part in (fresh, lost, few))
    assert quarter < full - 0.2
    assert thin == pytest.approx(full, abs=0.06)


def test_a_lost_rare_category_is_seen() -> None:
    real = mixed_table(2000)
    without = real.take(real.X[:, 5] != 3)
    assert report(real, without, rng())["drift/rare_category_coverage"] == 0
    assert report(numeric_table(100, 2), numeric_table(100, 2), rng())["drift/rare_category_coverage"] == 1


@pytest.mark.parametrize("n", [0, 1, 3, 50])
def test_few_or_no_synthetic_rows_give_finite_numbers(n: int) -> None:
    real = mixed_table(400)
    found = report(real, real.take(np.arange(n)), rng())
    assert np.isfinite(list(found.values())).all()
    if n == 0:
        assert {value for name, value in found.items() if name != "drift/detection_auc"} == {0.0}
    assert np.isfinite(list(report(real.take(np.arange(1)), real, rng()).values())).all()


def test_the_seed_decides_and_inputs_stay() -> None:
    real, made = mixed_table(3000, seed=1), mixed_table(3000, seed=2)
    before = real.X.copy(), made.X.copy()
    assert report(real, made, rng()) == report(real, made, rng())
    np.testing.assert_array_equal(before, (real.X, made.X))


@pytest.mark.parametrize("name", ["drift/coverage", "drift/rare_category_coverage"])
@pytest.mark.parametrize(
    ("shares", "collapses"),
    [
        ([0.9, 0.7, 0.5], True),
        ([0.9, 0.9, 0.7, 0.5], True),
        ([], False),
        ([0.9, 0.7], False),
        ([0.9, 0.7, 0.8], False),
        ([0.9, 0.7, 0.5, 0.5], False),
        ([0.9, 0.89, 0.88], False),  # within the noise of the sample
    ],
)
def test_collapse_is_two_losses_in_a_row(name: str, shares: list[float], collapses: bool) -> None:
    steady = {"drift/coverage": 0.9, "drift/rare_category_coverage": 1.0}
    assert collapse([{**steady, name: share} for share in shares]) is collapses
