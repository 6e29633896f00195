"""Generators of series are held to the laws of generators of arrays, and bad ones are found out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from series_tables import series_frame, series_table

from generators import AugmentSeries, DiffusionSeries
from learners.encoders.curves import Curves
from learners.encoders.series_values import lengths_of
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.errors import ConditionError, ConfigError, DataError
from loop.gates import Domain
from loop.protocols import Generator
from loop.rows import Rows
from loop.testing.arrays import (
    GENERATOR_LAWS,
    nothing_is_made_where_nothing_is_asked,
    parents_are_real_rows,
    rows_agree_with_their_arrays,
    rows_lie_in_the_region,
    upper_halves,
)
from loop.types import Region, Request, Samples, Table

MAKERS: dict[str, Callable[[], Generator]] = {
    "augment": AugmentSeries,
    "diffusion": lambda: DiffusionSeries(points=32, width=8, least_steps=20, most_steps=20, sampling_steps=5),
}
table = cache(series_table)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("law", GENERATOR_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_laws_hold(name: str, law: Callable[[Callable[[], Generator], Table], None], several: bool) -> None:
    law(MAKERS[name], table(120, classes=3, channels=2, several_lengths=True) if several else table())


@dataclass(eq=False)
class Bad(AugmentSeries):
    """Changes series behind the back of their columns, and looks at no region."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        samples = super().sample(replace(request, region=Region(), n=max(request.n, 1)), rng)
        made = samples.table
        rows = Rows(made.X, {name: array + 1 for name, array in made.rows.arrays.items()})
        return replace(samples, table=replace(made, rows=rows, parents=made.parents + 1), request=request)


def test_laws_bite() -> None:
    laws = (
        rows_agree_with_their_arrays,
        rows_lie_in_the_region,
        nothing_is_made_where_nothing_is_asked,
        parents_are_real_rows,
    )
    for law in laws:
        with pytest.raises(AssertionError):
            law(Bad, table())


@pytest.mark.parametrize("name", MAKERS)
def test_lengths_gaps_and_other_columns_are_those_of_a_real_row(name: str) -> None:
    own = table(120, channels=2, several_lengths=True)
    entries = own.rows.arrays["wave"].copy()
    entries[:, 0, 5] = np.nan
    own = replace(own, rows=Rows(own.X, {"wave": entries}))
    made = MAKERS[name]().fit(own, rng()).sample(Request(Region(), None, 40), rng(1)).table
    hosts = made.parents[:, 0]
    new = made.rows.arrays["wave"]
    np.testing.assert_array_equal(lengths_of(new), lengths_of(entries[hosts]))
    np.testing.assert_array_equal(np.isnan(new), np.isnan(entries[hosts]))
    assert not np.array_equal(np.nan_to_num(new), np.nan_to_num(entries[hosts])), "series must be new"


@pytest.mark.parametrize("method", ["jitter", "scaling", "time_warp", "window_warp", "interpolation"])
def test_each_method_changes_series_a_little(method: str) -> None:
    own = table()
    made = AugmentSeries(methods=(method,)).fit(own, rng()).sample(Request(Region(), None, 60), rng(1)).table
    old, new = own.rows.arrays["wave"][made.parents[:, 0]], made.rows.arrays["wave"]
    changed = np.abs(old - new).mean(axis=(1, 2)) / old.std(axis=(1, 2))
    assert (changed > 0).mean() > 0.95
    assert np.median(changed) < 1
    assert (made.parents[:, 1] >= 0).all() == (method == "interpolation")
    if method == "interpolation":
        assert (own.y[made.parents[:, 1]] == made.y).all(), "the neighbour is of the same class"


def test_diffusion_from_noise_alone_makes_the_class_that_is_asked_for() -> None:
    """A class is a number of waves: where the spectrum of real series peaks, there that of made ones does."""
    own = table(200)
    generator = DiffusionSeries(points=32, width=16, least_steps=300, most_steps=300).fit(own, rng())
    for label in (0, 1):
        made = generator.sample(Request(Region(), label, 40), rng(1))
        assert made.sampling_method == "native"
        real = own.rows.arrays["wave"][own.y == label, 0]
        peaks = [np.abs(np.fft.rfft(each - each.mean(axis=1, keepdims=True), axis=1)).argmax(axis=1)
                 for each in (real, made.table.rows.arrays["wave"][:, 0])]  # fmt: skip
        usual = np.bincount(peaks[0]).argmax()
        assert (np.abs(peaks[1] - usual) <= 1).mean() > 0.7


def test_a_score_steers() -> None:
    own = table()
    at = own.schema.names.index("wave_mean")
    generator = DiffusionSeries(points=32, width=8, least_steps=150, most_steps=150).fit(own, rng())
    seen = []

    def score(rows: Rows) -> np.ndarray:
        seen.append(rows.arrays["wave"].shape)
        return np.asarray(rows.X[:, at] - own.X[:, at].min() + 10)

    request = Request(Region(), 0, 80)
    plain, led = (each.sample(request, rng(2)) for each in (generator, generator.steered(score)))
    assert led.sampling_method == "importance"
    assert led.table.X[:, at].mean() > plain.table.X[:, at].mean() + 0.3 * own.X[:, at].std()
    assert len(seen) > 2
    assert len(np.unique(led.table.rows.arrays["wave"][:, 0, :].round(6), axis=0)) > 70, "copies must go apart"
    inside = generator.steered(score).sample(Request(upper_halves(own)[0], 0, 10), rng(3))
    assert upper_halves(own)[0].contains(inside.table.rows).all()
    with pytest.raises(ConfigError, match="one finite number"):
        generator.steered(lambda rows: np.full(len(rows), np.nan)).sample(request, rng(2))


def test_a_warm_start_goes_on() -> None:
    own = table()
    generator = DiffusionSeries(points=16, width=8, least_steps=50, most_steps=50, warm_start=True).fit(own, rng())
    before = generator.net_.first.weight.clone()
    again = generator.fit(own, rng(1))
    assert again.steps_ == 10
    assert (again.net_.first.weight - before).abs().mean() < before.abs().mean()


def test_what_cannot_be_made_is_refused() -> None:
    own = table(120, classes=3)
    generator = DiffusionSeries(points=16, width=8, least_steps=1, most_steps=1).fit(own.take(own.y != 2), rng())
    with pytest.raises(ConditionError, match="ask for one of"):
        generator.sample(Request(Region(), 2, 3), rng())
    settings: list[dict[str, Any]] = [{"methods": ("turn",)}, {"methods": ()}, {"strength": -1}, {"neighbours": 0}]
    for wrong in settings:
        with pytest.raises(ConfigError):
            AugmentSeries(**wrong)
    settings = [{"width": 6}, {"sampling_steps": 31}, {"start_noise": 0}, {"points": 2}]
    for wrong in settings:
        with pytest.raises(ConfigError):
            DiffusionSeries(**wrong)
    bare = replace(own, rows=Rows(own.X), schema=replace(own.schema, arrays=()))
    for make in MAKERS.values():
        with pytest.raises(DataError, match="curves"):
            make().fit(bare, rng())


@pytest.mark.parametrize("name", MAKERS)
def test_damaged_folders_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    made: Any = MAKERS[name]().fit(table(), rng())
    n = len(table())
    for damage in ({}, {"wave": np.zeros(n)}, {"wave": np.zeros((n - 1, 1, 32))}, {"wave": np.full((n, 1, 32), "x")}):
        made.save(folder)
        np.savez(folder / "rows.npz", **damage)
        with pytest.raises(DataError):
            type(made).load(folder)


@pytest.mark.parametrize("name", MAKERS)
def test_normalised_series_stay_normalised_and_pass_the_gate_of_ranges(name: str) -> None:
    frame = series_frame(120)
    frame["wave"] = pd.Series([(cell - cell.mean()) / cell.std() for cell in frame["wave"]], dtype=object)
    own = encode(infer(frame, "kind", encoders={"wave": Curves()}), frame)
    assert {"wave_mean", "wave_spread"} <= {column for column, _ in own.schema.excluded}, "they tell nothing"
    made = MAKERS[name]().fit(own, rng()).sample(Request(Region(), None, 60), rng(1)).table
    np.testing.assert_allclose(made.rows.arrays["wave"].std(axis=2), 1, atol=1e-4)
    np.testing.assert_allclose(made.rows.arrays["wave"].mean(axis=2), 0, atol=1e-4)
    if name == "augment":  # the other one is hardly trained here
        assert Domain().judge(made, own, rng()).keep.mean() > 0.3
