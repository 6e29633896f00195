"""Scenarios that start from whole real rows: what is stated is assigned, all else is the row's, also in a region."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from generators.common.persistence import load, save
from generators.rules.rules import Rules
from loop.errors import ConditionError, ConfigError, DataError
from loop.testing.generators import LAWS, SLOW_LAWS
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request

ANYWHERE = Region()
TABLE = mixed_table()
NAMES = TABLE.schema.names
BOOK = {  # keeps labels and almost all values: nothing that a law asks of a table is changed by it
    "scenarios": {
        "later": {"from_rows": {}, "columns": {"opened": "opened + 3600"}},
        "busier": {"from_rows": {"where": "score <= 9"}, "columns": {"visits": "visits + 1"}},
    },
}
MIXED = {  # one scenario is described, another starts from rows
    "columns": {"night": {"from": "choice", "values": [False, True], "weights": [0.7, 0.3]}},
    "scenarios": {"usual": {"weight": 0.5}, "later": {"weight": 0.5, **BOOK["scenarios"]["later"]}},
}
MAKERS = {"from rows": lambda: Rules(BOOK), "one scenario": lambda: Rules(BOOK, scenario="later")}
BUSY = "visits > 6"
SPEND = {
    "from_rows": {"where": "target == 'fine' and amount > 10"},
    "scenarios": {"spree": {"label": "fraud", "columns": {"amount": "2 * amount", "score": "amount / 100"}}},
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sampled(book, region=ANYWHERE, label=None, n=500, table=TABLE, **settings):
    return Rules(book, **settings).fit(table, rng()).sample(Request(region, label, n), rng(1)).table


def column(table, name: str) -> np.ndarray:
    return table.X[:, NAMES.index(name)]


def one(*, where=None, label=None, **columns):
    """A book with one scenario."""
    rows = {} if where is None else {"where": where}
    return {"scenarios": {"s": {"from_rows": rows, "columns": columns, **({"label": label} if label else {})}}}


@pytest.mark.parametrize("name", ["", *NAMES])
def test_saved_rows_without_one_of_the_columns_are_refused(name, tmp_path):
    Rules(BOOK).fit(TABLE, rng()).save(tmp_path)
    with np.load(tmp_path / "data.npz") as held:
        arrays = dict(held)
    del arrays[f"x_{name}"]
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(DataError, match=r"data\.npz"):
        Rules.load(tmp_path)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_law(name, law):
    law(MAKERS[name])


@pytest.mark.slow
@pytest.mark.parametrize("law", SLOW_LAWS, ids=lambda law: law.__name__)
def test_slow_law(law):
    law(MAKERS["from rows"])


class TestWholeRows:
    lane = TABLE.take(np.arange(100, 500))  # row numbers are not positions

    def test_unstated_columns_are_those_of_one_row_and_stated_ones_are_computed_from_it(self):
        made = sampled(SPEND, table=self.lane)
        base = TABLE.take(made.parents[:, 0])
        assert (base.y == 0).all()
        assert (column(base, "amount") > 10).all()
        assert made.parents.min(axis=0)[0] >= 100
        assert (made.y == 1).all()
        kept = [name not in ("amount", "score") for name in NAMES]
        np.testing.assert_array_equal(made.X[:, kept], base.X[:, kept])
        high = self.lane.schema.columns[0].high
        np.testing.assert_allclose(column(made, "amount"), np.minimum(2 * column(base, "amount"), high), atol=0.006)
        # The second reads what the first has stated; it is clipped to the range of the data afterwards.
        low, high = self.lane.schema.columns[1].low, self.lane.schema.columns[1].high
        np.testing.assert_allclose(column(made, "score"), np.clip(column(base, "amount") / 50, low, high))

    def test_helpers_and_columns_of_the_book_come_first(self):
        book = {
            "from_rows": {},
            "columns": {"_twice": "2 * visits", "visits": 1},
            "scenarios": {"s": {"columns": {"score": "_twice + visits"}}, "t": {"columns": {"visits": 3, "score": 0}}},
        }
        made = sampled(book, n=400)
        base = TABLE.take(made.parents[:, 0])
        third = column(made, "visits") == 3
        assert 0.4 < third.mean() < 0.6  # without weights all are as frequent
        np.testing.assert_array_equal(column(made, "score")[third], 0)
        high = TABLE.schema.columns[1].high
        expected = np.minimum(2 * column(base, "visits") + 1, high)[~third]
        np.testing.assert_allclose(column(made, "score")[~third], expected)
        assert Rules(book).stated == ("visits", "score")
        assert Rules(book, scenario="t").stated == ("visits", "score")

    def test_a_label_of_its_own_may_read_the_row(self):
        made = sampled(one(visits="visits + 1", label={"is": "if(score > 0 and visits > 3, 'fraud', 'fine')"}))
        base = TABLE.take(made.parents[:, 0])
        np.testing.assert_array_equal(made.y, (column(base, "score") > 0) & (column(base, "visits") + 1 > 3))

    def test_without_a_label_rows_keep_theirs(self):
        made = sampled(one(visits="visits + 1"), label=1)
        np.testing.assert_array_equal(made.y, TABLE.y[made.parents[:, 0]])
        assert (made.y == 1).all()

    def test_values_from_the_data_name_their_rows_beside_the_start(self):
        made = sampled(one(merchant={"from": "data"}, label="fraud"))
        start, merchant, label = made.parents.T
        np.testing.assert_array_equal(column(made, "amount"), column(TABLE, "amount")[start])
        np.testing.assert_array_equal(column(made, "merchant"), column(TABLE, "merchant")[merchant])
        assert (TABLE.y[merchant] == 1).all()
        assert (label == -1).all()

    def test_beside_a_described_scenario(self):
        made = sampled(MIXED, n=2000)
        started = made.parents[:, 0] >= 0
        assert 0.45 < started.mean() < 0.55
        base = TABLE.take(made.parents[started, 0])
        np.testing.assert_array_equal(made.X[started][:, :3], base.X[:, :3])
        np.testing.assert_array_equal(column(made, "opened")[started][:5] > column(base, "opened")[:5], True)
        other = made.take(~started)
        score = NAMES.index("score")
        taken = 1 + [name for name in NAMES if name != "night"].index("score")
        np.testing.assert_array_equal(other.X[:, score], TABLE.X[other.parents[:, taken], score])

    def test_it_survives_saving(self, tmp_path):
        for book in (SPEND, MIXED):
            rules = Rules(book, scenario=None).fit(self.lane, rng())
            save(rules, tmp_path / "saved")
            first, second = (
                each.sample(Request(ANYWHERE, 1, 50), rng()).table for each in (rules, load(tmp_path / "saved"))
            )
            np.testing.assert_array_equal(first.X, second.X)
            np.testing.assert_array_equal(first.parents, second.parents)
            assert first.parents[:, 0].max() >= 100


class TestRegions:
    book = one(
        where="visits > 2",
        amount={"from": "uniform", "low": "visits", "high": "10 * visits"},
        score={"from": "normal", "mean": "if(night, 1, 0)", "sd": 1},
    )

    @pytest.mark.parametrize(
        "rule",
        [
            (Condition(0, 20.0, 30.0),),  # stated, and its distribution differs from row to row
            (Condition(2, 4.5),),  # not stated
            (Condition(1, 1.0), Condition(4, codes=frozenset({1}))),
            (Condition(0, 30.0), Condition(2, high=7.5), Condition(5, codes=frozenset({0, 1}))),
        ],
    )
    def test_rows_are_those_that_rejection_would_leave(self, rule):
        region = Region(rule)
        anywhere = sampled(self.book, n=60_000)
        truth = anywhere.take(region.contains(anywhere.rows))
        made = sampled(self.book, region, n=3000)
        assert len(made) == 3000
        assert region.contains(made.rows).all()
        for number in (0, 1, 2, 3):
            assert stats.ks_2samp(made.X[:, number], truth.X[:, number]).pvalue > 0.001, NAMES[number]
        assert abs(made.y.mean() - truth.y.mean()) < 0.03

    def test_a_narrow_slice_is_not_searched_for(self):
        region = Region((Condition(2, 4.5, 5.5), Condition(1, 2.0, 2.001)))
        samples = Rules(self.book).fit(TABLE, rng()).sample(Request(region, None, 200), rng())
        assert len(samples.table) == 200
        assert samples.tried < 10_000  # by rejection it would be more than a million

    def test_rows_to_start_from_are_chosen_inside(self):
        region = Region((Condition(5, codes=frozenset({3})),))  # 2 % of the rows
        samples = Rules(one(visits="visits + 1")).fit(TABLE, rng()).sample(Request(region, None, 200), rng())
        assert samples.sampling_method == "native"
        assert samples.tried < 300

    def test_scenarios_keep_their_shares(self):
        busy, all_rows = ({"from_rows": rows, "weight": 1, "columns": {"score": 1}} for rows in ({"where": BUSY}, {}))
        book = {"scenarios": {"busy": {**busy, "label": "fraud"}, "all": {**all_rows, "label": "fine"}}}
        inside = column(TABLE, "visits") > 7.5
        truth = inside[column(TABLE, "visits") > 6].mean() / (
            inside[column(TABLE, "visits") > 6].mean() + inside.mean()
        )
        made = sampled(book, Region((Condition(2, low=7.5),)), n=4000)
        assert abs(made.y.mean() - truth) < 0.03

    def test_a_region_that_no_row_to_start_from_reaches(self):
        region = Region((Condition(2, high=1.5),))  # where says visits > 2
        assert len(sampled(self.book, region)) == 0

    def test_an_expression_is_reached_by_rejection(self):
        region = Region((Condition(0, low=60.0),))
        made = sampled(one(amount="2 * amount", where="amount > 5"), region, n=200)
        assert len(made) == 200
        assert (column(TABLE.take(made.parents[:, 0]), "amount") > 29.9).all()

    def test_it_starts_from_the_seeds_of_a_region(self):
        seeds = np.flatnonzero(column(TABLE, "visits") > 1.5)[:40]
        usable = column(TABLE, "visits")[seeds] > 2
        heavy = np.arange(40) == usable.argmax()
        region = Region((Condition(2, 1.5),), seeds=seeds, seed_weight=np.where(heavy, usable.sum() - 1.0, 1.0))
        start = sampled(self.book, region).parents[:, 0]
        assert set(start.tolist()) == set(seeds[usable].tolist())
        assert 0.4 < (start == seeds[heavy]).mean() < 0.6
        aimed = sampled(self.book, Region((Condition(0, 30.0),), seeds=np.arange(3)), n=300)
        assert len(np.unique(aimed.parents[:, 0])) > 20  # what is stated decides who reaches it


class TestRefusals:
    @pytest.mark.parametrize(
        ("book", "message"),
        [
            (one(), "a scenario must change something, and 's' states no column"),
            (one(where="visits >", visits=1), "scenario 's', from_rows, where: .* expected a value"),
            (one(where=3, visits=1), "from_rows, where must be text, got 3"),
            ({"from_rows": {"were": "a"}, "columns": {"a": 1}}, "must have no keys but where, got 'were'"),
            ({"from_rows": [], "columns": {"a": 1}}, "the book, from_rows must be a mapping"),
            (
                {
                    "events": {"entity": "e", "time": "t", "rows_each": 5, "start": "2024-01-01", "every": 60},
                    **one(visits=1),
                },
                "rows over time cannot start from real rows: leave out events or from_rows",
            ),
        ],
    )
    def test_a_bad_book(self, book, message):
        with pytest.raises(ConfigError, match=message):
            Rules(book)

    @pytest.mark.parametrize(
        ("book", "message"),
        [
            (one(where="price > 3", visits=1), "'s', where must read columns of the table .amount.*got 'price'"),
            (one(visits="price + 1"), "'s', 'visits' must read columns of the table .*got 'price'"),
            (one(visits="_later", _later=1), "'visits' must read .* or what is stated before, got '_later'"),
            (one(visits="if(target == 'fine', 1, 2)"), "'visits' must read columns of the table .*got 'target'"),
            (one(visits=1, label={"is": "if(price > 1, 'fine', 'fraud')"}), "'s', label must read .*got 'price'"),
            (one(where="visits > 1000", visits=1), 'none of 600 has "visits > 1000": widen where'),
            (one(where="merchant", visits=1), "where must be true or false, .merchant. is text"),
            (one(where="merchant > 3", visits=1), "holds text, and 3 without quotes is a number: write '3'"),
            (one(visits="visits"), "must change something, and 's' leaves 600 rows as they are"),
            (one(visits="visits + 0.2", where="night"), "leaves [0-9]+ rows as they are"),
            (one(_only="visits + 1"), "leaves 600 rows as they are"),
            (one(price=3), "columns of the book must be in the table"),
        ],
    )
    def test_a_book_that_does_not_fit_the_table(self, book, message):
        with pytest.raises(ConfigError, match=message) as refusal:
            Rules(book).fit(TABLE, rng())
        assert "\n" not in str(refusal.value)

    def test_a_table_is_needed(self):
        with pytest.raises(ConfigError, match="'s' starts from real rows, and there are none: fit on a table"):
            Rules(one(visits=1)).generate(5, rng())

    def test_a_class_that_no_row_gets(self):
        with pytest.raises(ConditionError, match="no scenario of the book gives class 'fine'"):
            sampled(SPEND, label=0)

    def test_one_scenario_of_a_book(self):
        with pytest.raises(ConfigError, match=r"one of the book \(later, busier\), got 'earlier'"):
            Rules(BOOK, scenario="earlier")
        both, later = (column(sampled(BOOK, scenario=name), "visits").mean() for name in (None, "later"))
        assert both > later + 0.3
        described = {"columns": {"a": 1}, "scenarios": {"s": {"weight": 1}, "t": {"weight": 0, "columns": {"a": 2}}}}
        frame = Rules(described, scenario="t").generate(5, rng())
        pd.testing.assert_series_equal(frame["a"], pd.Series([2] * 5, name="a"))
