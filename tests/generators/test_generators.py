"""Every generator of the catalogue obeys the laws; then what is special to each."""

import subprocess
import sys
from dataclasses import replace

import generator_makers
import numpy as np
import pandas as pd
import pytest
from generator_makers import maker
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import RandomUnderSampler
from of_columns import of_columns

import generators
from generators import GENERATORS, WRAPPERS, ImblearnAdapter, Reject, Resample
from loop.data.encoding import decode, encode
from loop.data.schema import infer
from loop.errors import ConditionError, ConfigError
from loop.rows import Rows
from loop.testing.generators import COPYING_LAWS, LAWS, SLOW_LAWS, Make, honesty, learning, reproducibility, values
from loop.testing.tables import mixed_table, numeric_table, planted_table
from loop.types import DAY, Condition, Region, Request, Table

MAKERS: dict[str, Make] = {**generator_makers.MAKERS, "imblearn random": lambda: ImblearnAdapter("RandomOverSampler")}


KNOWN_FAULTS = {
    ("imblearn", values.keeps_rare_categories): "SMOTENC gives a row the most frequent category among its neighbours",
    ("imblearn random", learning.starts_from_real_seeds_only): "the sampler chooses its own base rows",
    ("imblearn random", learning.starts_in_proportion_to_the_seed_weight): "the sampler chooses its own base rows",
}


# Laws that ask nothing of the rows' likeness, so that networks may be trained as shortly as can be.
MECHANICAL = (
    reproducibility.ignores_arrays_it_does_not_know,
    reproducibility.follows_the_generator_it_is_given,
    reproducibility.leaves_the_global_random_state_alone,
    reproducibility.leaves_the_table_alone,
    reproducibility.leaves_its_settings_alone,
    learning.learns_from_real_rows_only,
    honesty.marks_rows_as_synthetic,
    honesty.names_parents_that_exist,
    learning.starts_from_real_seeds_only,
    reproducibility.draws_differently_for_different_classes,
    reproducibility.repeats_itself_with_the_same_seed,
    reproducibility.repeats_itself_in_another_process,
    reproducibility.saves_and_loads,
    honesty.answers_zero_with_an_empty_table,
    values.keeps_constant_and_empty_columns,
    learning.copes_with_a_class_of_one_row,
)


NAMES = (*of_columns(GENERATORS), *WRAPPERS.names())


def maker_for(law, name: str) -> Make:
    return maker(name, short=True) if law in MECHANICAL and name in NAMES else MAKERS[name]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_law(name, law):
    if (name, law) not in KNOWN_FAULTS:
        law(maker_for(law, name))
        return
    with pytest.raises(AssertionError):  # should the fault be mended one day, this tells
        law(MAKERS[name])


@pytest.mark.parametrize("law", COPYING_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", ["resample", "neighbourhood"])
def test_law_of_generators_that_copy_discrete_values(name, law):
    law(MAKERS[name])


@pytest.mark.slow
@pytest.mark.parametrize("law", SLOW_LAWS, ids=lambda law: law.__name__)
def test_slow_law(law):
    law(*(maker_for(law, name) for name in MAKERS))  # one process for all: each start takes seconds


def test_the_catalogue_names_what_exists():
    kinds = {kind.__name__ for each in (GENERATORS, WRAPPERS) for kind in map(each.kind, each.names())}
    assert kinds <= set(generators.__all__)
    for name in generators.__all__:
        assert getattr(generators, name) is not None
    with pytest.raises(AttributeError, match="Nothing"):
        generators.Nothing  # noqa: B018


def test_the_catalogue_loads_nothing():
    code = "import generators, sys; sys.exit(bool({'imblearn', 'sklearn', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


boxes = st.lists(
    st.tuples(st.integers(0, 4), st.floats(-2, 2), st.floats(0, 3)).map(lambda c: Condition(c[0], c[1], c[1] + c[2])),
    max_size=3,
).map(lambda rule: Region(tuple(rule)))


@settings(max_examples=40, deadline=None)
@given(region=boxes, label=st.sampled_from([None, 0, 1]), n=st.integers(0, 50), seed=st.integers(0, 99))
def test_any_box_is_respected(region, label, n, seed):
    table = numeric_table(200)
    for generator in (Resample(), Reject(Resample(), tries=5, batch=30)):
        samples = generator.fit(table, rng()).sample(Request(region, label, n), rng(seed))
        assert region.contains(samples.table.rows).all()
        assert len(samples.table) <= n
        assert len(samples.table) <= samples.tried <= 5 * n
        assert label is None or (samples.table.y == label).all()


class TestResample:
    def test_fills_a_request_from_one_row(self):
        table, corner = planted_table()
        inside = np.flatnonzero(corner.contains(table.rows))
        lone = table.take(np.concatenate([np.flatnonzero(~corner.contains(table.rows)), inside[:1]]))
        made = Resample().fit(lone, rng()).sample(Request(corner, None, 30), rng()).table
        np.testing.assert_array_equal(np.unique(made.X, axis=0), table.X[inside[:1]])
        assert (made.parents == inside[0]).all()
        assert len(made) == 30

    def test_seeds_outside_box_or_class_give_way_to_rows_inside(self):
        table, corner = planted_table()
        outside = np.flatnonzero(~corner.contains(table.rows))[:10]
        seeded = replace(corner, seeds=outside, seed_weight=np.ones(10))
        made = Resample().fit(table, rng()).sample(Request(seeded, 1, 50), rng()).table
        assert len(made) == 50
        assert corner.contains(made.rows).all()

    def test_draws_all_rows_equally_often(self):
        table = numeric_table(50)
        made = Resample().fit(table, rng()).sample(Request(Region(), None, 50_000), rng()).table
        assert abs(np.bincount(made.parents[:, 0], minlength=50) / 1000 - 1).max() < 0.15


class TestReject:
    def test_a_rare_region_fills_within_its_tries(self):
        table, corner = planted_table()
        samples = Reject(Resample()).fit(table, rng()).sample(Request(corner, None, 500), rng())
        assert len(samples.table) == 500
        assert 500 / 0.09 * 0.8 < samples.tried < 500 / 0.09 * 1.5

    def test_the_bound_is_a_bound(self):
        table, corner = planted_table()
        samples = Reject(Resample(), tries=2, batch=7).fit(table, rng()).sample(Request(corner, None, 500), rng())
        assert samples.tried == 1000
        assert samples.shortfall > 300

    def test_keeps_the_distribution_inside_the_region(self):
        table, corner = planted_table(5000)
        truth = table.X[corner.contains(table.rows)]
        made = Reject(Resample()).fit(table, rng()).sample(Request(corner, None, 2000), rng()).table
        np.testing.assert_allclose(made.X.mean(axis=0), truth.mean(axis=0), atol=0.03)

    def test_an_inner_generator_that_delivers_nothing_ends(self):
        samples = Reject(Resample()).fit(numeric_table(), rng()).sample(Request(Region(), 7, 10), rng())
        assert len(samples.table) == samples.tried == 0

    @pytest.mark.parametrize("bounds", [{"tries": 0}, {"batch": 0}])
    def test_refuses_bounds_below_one(self, bounds):
        with pytest.raises(ConfigError, match="at least 1, got 0"):
            Reject(Resample(), **bounds)


SAMPLERS = ("SMOTE", "BorderlineSMOTE", "SVMSMOTE", "ADASYN", "KMeansSMOTE", "RandomOverSampler")


class TestImblearnAdapter:
    @pytest.mark.parametrize("name", SAMPLERS)
    def test_every_sampler_fills_a_region(self, name):
        table = numeric_table(600)
        region = Region((Condition(0, low=0.0),))
        options = {"cluster_balance_threshold": 0.01} if name == "KMeansSMOTE" else {}
        samples = ImblearnAdapter(name, options).fit(table, rng()).sample(Request(region, 1, 40), rng())
        assert len(samples.table) == 40
        assert region.contains(samples.table.rows).all()

    def test_smote_interpolates_within_the_class(self):
        table = numeric_table(300, d=2)
        made = ImblearnAdapter(settings={"k_neighbors": 1}).fit(table, rng()).sample(Request(Region(), 1, 50), rng())
        fraud = table.X[table.y == 1]
        for row in made.table.X:  # on the line between two rows of the class: the detour over it is no longer
            near = np.linalg.norm(fraud - row, axis=1)
            detour = near[:, None] + near - np.linalg.norm(fraud[:, None] - fraud, axis=2)
            np.fill_diagonal(detour, np.inf)
            assert detour.min() < 1e-9

    def test_random_over_sampling_copies_to_the_last_bit(self):
        table = numeric_table(300)
        made = ImblearnAdapter("RandomOverSampler").fit(table, rng()).sample(Request(Region(), 1, 50), rng()).table
        assert {row.tobytes() for row in made.X} <= {row.tobytes() for row in table.X[table.y == 1]}

    def test_the_unit_of_a_column_makes_no_difference(self):
        table = numeric_table(300)
        unit = np.array([1.0, 2.0**20, 1.0, 2.0**-20, 1.0])
        ranges = zip(table.schema.columns, unit.tolist(), strict=True)
        columns = tuple(replace(each, low=each.low * by, high=each.high * by) for each, by in ranges)
        scaled = replace(table, rows=Rows(table.X * unit), schema=replace(table.schema, columns=columns))
        one, other = (
            ImblearnAdapter().fit(rows, rng()).sample(Request(Region(), 1, 50), rng()).table.X
            for rows in (table, scaled)
        )
        np.testing.assert_array_equal(one * unit, other)

    def test_neighbours_shrink_with_the_class(self):
        table = numeric_table(200)
        few = table.take(np.concatenate([np.flatnonzero(table.y == 0), np.flatnonzero(table.y == 1)[:3]]))
        adapter = ImblearnAdapter(settings={"k_neighbors": 5}).fit(few, rng())
        assert len(adapter.sample(Request(Region(), 1, 30), rng()).table) == 30

    def test_one_row_of_a_class_is_too_few(self):
        table = numeric_table(200)
        lone = table.take(np.concatenate([np.flatnonzero(table.y == 0), np.flatnonzero(table.y == 1)[:1]]))
        with pytest.raises(ConditionError, match="needs at least 2 rows of a class, class 'yes' has 1"):
            ImblearnAdapter().fit(lone, rng()).sample(Request(Region(), 1, 5), rng())

    def test_labels_follow_the_region(self):
        table, corner = planted_table(3000)
        upper = Region((*corner.rule, Condition(2, low=0.5)))  # flipped: all of class 0 but for the border
        made = ImblearnAdapter().fit(table, rng()).sample(Request(upper, None, 50), rng()).table
        assert len(made)
        assert (made.y == 0).all()

    @pytest.mark.parametrize("discrete", [[4], [4, 5], [4, 5, 6]])
    def test_only_discrete_columns(self, discrete):
        table = mixed_table()
        schema = replace(table.schema, columns=tuple(table.schema.columns[i] for i in discrete))
        made = ImblearnAdapter().fit(replace(table, rows=Rows(table.X[:, discrete]), schema=schema), rng())
        assert len(made.sample(Request(Region(), 1, 30), rng()).table) == 30

    def test_a_sampler_object_is_cloned(self):
        sampler = SMOTE(k_neighbors=3)
        adapter = ImblearnAdapter(sampler, {"k_neighbors": 2}).fit(numeric_table(), rng())
        adapter.sample(Request(Region(), 1, 5), rng())
        assert sampler.k_neighbors == 3
        assert sampler.random_state is None

    def test_averaged_categories_are_refused(self):
        adapter = ImblearnAdapter("BorderlineSMOTE").fit(mixed_table(), rng())
        with pytest.raises(ConditionError, match="BorderlineSMOTE averaged those of column"):
            adapter.sample(Request(Region(), 1, 200), rng())

    def test_a_refusal_of_the_sampler_is_passed_on(self):
        table = numeric_table()
        one_class = table.take(table.y == 1)
        with pytest.raises(ConditionError, match="SMOTE must be able to make rows of class 'yes'"):
            ImblearnAdapter().fit(one_class, rng()).sample(Request(Region(), 1, 5), rng())

    def test_a_sampler_that_changes_the_old_rows_is_refused(self):
        class Shuffling(SMOTE):
            def _fit_resample(self, X, y):
                X, y = super()._fit_resample(X, y)
                return X[::-1], y[::-1]

        with pytest.raises(ConfigError, match="must append"):
            ImblearnAdapter(Shuffling()).fit(numeric_table(), rng()).sample(Request(Region(), 1, 5), rng())

    @pytest.mark.parametrize(
        ("sampler", "options", "message"),
        [
            ("SMOOTE", {}, "got 'SMOOTE': use one of ADASYN"),
            ("SMOTE", {"k": 3}, "settings must be parameters of SMOTE"),
            (object(), {}, "sampler must be an over-sampler"),
        ],
    )
    def test_bad_settings(self, sampler, options, message):
        with pytest.raises(ConfigError, match=message):
            ImblearnAdapter(sampler, options).fit(numeric_table(), rng())

    def test_an_under_sampler_is_refused(self):
        with pytest.raises((ConditionError, ConfigError)):
            ImblearnAdapter(RandomUnderSampler()).fit(numeric_table(), rng()).sample(Request(Region(), 1, 5), rng())

    def test_synthetic_rows_do_not_count(self):
        table = numeric_table()
        synthetic = replace(table.take(table.y == 1), generation=np.ones(int(table.y.sum()), dtype=np.int64))
        made = ImblearnAdapter().fit(Table.concat([synthetic, table.take(table.y == 0)]), rng())
        with pytest.raises(ConditionError, match="has 0"):
            made.sample(Request(Region(), 1, 5), rng())


@pytest.mark.parametrize("name", ["tree_chain", "copula", "forest_flow", "imblearn", "neighbourhood"])
def test_moments_keep_their_fractions_and_stay_inside(name: str) -> None:
    seconds = 1.7e9 + rng(1).integers(0, 60_000, 600) / 1000
    frame = pd.DataFrame({"at": pd.to_datetime((seconds * 1000).round(), unit="ms"), "x": rng(2).normal(size=600)})
    schema = infer(frame.assign(y=np.arange(600) % 2), "y")
    table = Table.real(encode(schema, frame.assign(y=np.arange(600) % 2)).X, np.arange(600) % 2, schema)
    region = Region((Condition(0, 1.7e9 + 20.5, 1.7e9 + 22.5),))
    made = maker(name, short=True)().fit(table, rng()).sample(Request(region, 1, 100), rng()).table.X
    assert len(made) > 20
    assert region.contains(Rows(made)).all()
    assert len(np.unique(made[:, 0])) > 10


@pytest.mark.parametrize(
    "name", ["tree_chain", "copula", "forest_flow", "imblearn", "neighbourhood", "vae", "gan", "diffusion", "rules"]
)
def test_dates_stay_dates(name: str) -> None:
    days = rng(1).integers(19_000, 19_400, 600)
    frame = pd.DataFrame({"at": pd.to_datetime(days, unit="D"), "x": rng(2).normal(size=600) + days / 100})
    schema = infer(frame.assign(y=np.arange(600) % 2), "y")
    assert schema.columns[0].days
    table = Table.real(encode(schema, frame.assign(y=np.arange(600) % 2)).X, np.arange(600) % 2, schema)
    generator = maker(name, short=True)().fit(table, rng())
    for rule in ((), (Condition(0, 19_100 * DAY, 19_120 * DAY),), (Condition(0, 19_100.5 * DAY, 19_120.7 * DAY),)):
        region = Region(rule)
        made = generator.sample(Request(region, 1, 100), rng()).table
        assert len(made) > 20
        assert region.contains(made.rows).all()
        assert not (made.X[:, 0] % DAY).any()
        assert len(np.unique(made.X[:, 0])) > 10
        assert (decode(schema, made)["at"].dt.normalize() == decode(schema, made)["at"]).all()
