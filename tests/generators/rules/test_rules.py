"""Rules obeys the laws of generators; what it draws follows its book, inside regions and over time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from generators.rules.draws import truncated
from generators.rules.rules import Rules
from loop.data.encoding import decode, encode
from loop.data.schema import infer
from loop.errors import ConditionError, ConfigError, DataError
from loop.expressions.parser import parse
from loop.expressions.to_region import as_region
from loop.testing.generators import COPYING_LAWS, LAWS, SLOW_LAWS
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Condition, Region, Request

BOOK = {  # for `loop.testing.tables.mixed_table`: what it leaves out comes from the data
    "columns": {
        "night": {"from": "choice", "values": [False, True], "weights": [0.7, 0.3]},
        "amount": {"from": "lognormal", "log_mean": "3 + 0.5 * night", "log_sd": 1, "decimals": 2, "missing": 0.05},
        "score": {"from": "normal", "mean": 0, "sd": 1},
        "_busy": "score > 1",
        "visits": {"from": "poisson", "mean": "5 + 2 * _busy"},
        "channel": {"from": "choice", "values": ["chip", "swipe", "web"], "missing": 0.05},
    },
    "scenarios": {
        "usual": {"weight": 0.9, "label": "fine"},
        "burst": {"weight": 0.1, "label": "fraud", "columns": {"visits": {"from": "integers", "low": 8, "high": 12}}},
    },
}
UNLABELLED = {
    "columns": {name: told for name, told in BOOK["columns"].items() if name in ("night", "amount", "channel")},
    "scenarios": {"usual": {"weight": 0.9}, "late": {"weight": 0.1, "columns": {"night": True}}},
}
MAKERS = {"labelled": lambda: Rules(BOOK), "unlabelled": lambda: Rules(UNLABELLED), "data alone": Rules}
STATES_ITS_OWN_LABELS = {  # these laws ask for what the table says of the labels, and the labelled book says otherwise
    ("labelled", "keeps_the_share_of_a_rare_class"),
    ("labelled", "keeps_the_labels_of_the_region"),
}
EXAMPLES = Path(__file__).parents[3] / "experiments" / "configs" / "rules"
ANYWHERE = Region()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_law(name, law):
    if (name, law.__name__) in STATES_ITS_OWN_LABELS:
        with pytest.raises(AssertionError):
            law(MAKERS[name])
        return
    law(MAKERS[name])


@pytest.mark.slow
@pytest.mark.parametrize("law", SLOW_LAWS, ids=lambda law: law.__name__)
def test_slow_law(law):
    law(lambda: Rules(BOOK))


@pytest.mark.parametrize("law", COPYING_LAWS, ids=lambda law: law.__name__)
def test_law_of_generators_that_copy_discrete_values(law):
    law(Rules)  # an empty book: every value comes from a real row


def sampled(book, region=ANYWHERE, label=None, n=2000, table=None):
    table = mixed_table() if table is None else table
    return Rules(book).fit(table, rng()).sample(Request(region, label, n), rng(1))


def generated(name: str, n: int) -> pd.DataFrame:
    return Rules(EXAMPLES / f"{name}.yaml").generate(n, rng())


class TestRegions:
    """Drawing inside a region gives the distribution that throwing away would give."""

    table = numeric_table(400)
    book = {  # noqa: RUF012
        "columns": {
            "x0": {"from": "normal", "mean": 0, "sd": 1},
            "x1": {"from": "uniform", "low": "x0 - 1", "high": "x0 + 1"},
            "x2": {"from": "choice", "values": [0, 1, 2], "weights": [1, 2, 1]},
        },
        "scenarios": {
            "low": {"weight": 0.8, "label": "no"},
            "high": {"weight": 0.2, "label": "yes", "columns": {"x0": {"from": "normal", "mean": 1, "sd": 0.5}}},
        },
    }

    @pytest.mark.parametrize(
        "rule",
        [
            (Condition(0, 0.8, 1.6),),
            (Condition(1, 0.5),),
            (Condition(2, high=0.5), Condition(0, low=1)),
            (Condition(3, 0.2),),
        ],
    )
    def test_labels_and_columns_are_those_of_rejection(self, rule):
        region = Region(rule)
        anywhere = sampled(self.book, n=60_000, table=self.table).table
        truth = anywhere.take(region.contains(anywhere.rows))
        made = sampled(self.book, region, n=8000, table=self.table).table
        assert len(made) == 8000
        assert abs(made.y.mean() - truth.y.mean()) < 0.03
        np.testing.assert_allclose(made.X[:, :3].mean(axis=0), truth.X[:, :3].mean(axis=0), atol=0.04)

    def test_a_narrow_slice_is_drawn_natively(self):
        samples = sampled(self.book, Region((Condition(0, 1.5, 1.501),)), n=500, table=self.table)
        assert samples.sampling_method == "native"
        assert len(samples.table) == 500
        assert samples.tried < 2500  # by rejection it would be more than a million

    def test_a_derived_column_needs_rejection(self):
        derived = {"columns": {"x0": {"from": "normal", "mean": 0, "sd": 1}, "x1": "x0 * 2"}}
        samples = sampled(derived, Region((Condition(1, 1.0, 2.0),)), n=200, table=self.table)
        assert samples.sampling_method == "rejection"
        assert len(samples.table) == 200
        np.testing.assert_allclose(samples.table.X[:, 1], 2 * samples.table.X[:, 0])

    def test_the_label_of_an_expression_follows_the_row(self):
        labelled = {
            "columns": {"x0": {"from": "normal", "mean": 0, "sd": 1}},
            "label": {"is": "if(x0 > 1, 'yes', 'no')"},
        }
        made = sampled(labelled, label=1, n=300, table=self.table).table
        assert len(made) == 300
        assert (made.X[:, 0] > 1).all()
        assert sampled(labelled, label=1, n=5, table=self.table).sampling_method == "rejection"

    def test_rare_rows_of_great_mass_keep_their_share(self):
        vip = {
            "columns": {
                "x0": {"from": "choice", "values": [0, 1], "weights": [0.997, 0.003]},
                "x1": {"from": "normal", "mean": 0, "sd": 1},
            },
            "label": {"from": "choice", "values": ["no", "yes"], "weights": ["if(x0, 0, 0.99)", "if(x0, 1, 0.01)"]},
        }
        truth = 0.003 / (0.003 + 0.997 * 0.01)
        shares = [
            Rules(vip).fit(self.table, rng()).sample(Request(ANYWHERE, 1, 400), rng(seed)).table.X[:, 0].mean()
            for seed in range(12)
        ]
        assert abs(np.mean(shares) - truth) < 0.03
        assert min(shares) > truth / 2

    def test_what_varies_follows_the_book_in_every_column(self):
        varied = {
            "columns": {
                "x0": {"from": "exponential", "mean": 1},
                "x1": {"from": "normal", "mean": "x0", "sd": "0.2 + x0"},
                "x2": {"from": "choice", "values": [0, 1], "weights": ["x0", 1]},
            },
            "scenarios": {
                "a": {"weight": 0.9, "label": "no"},
                "b": {"weight": 0.1, "label": "yes", "columns": {"x0": 3}},
            },
        }
        region = Region((Condition(1, 2.5), Condition(2, high=0.5)))
        anywhere = sampled(varied, n=200_000, table=self.table).table
        truth = anywhere.take(region.contains(anywhere.rows))
        made = sampled(varied, region, n=5000, table=self.table).table
        assert len(made) == 5000
        for name in (0, 1):
            for label in (0, 1):
                one, other = (each.X[each.y == label, name] for each in (made, truth))
                assert stats.ks_2samp(one, other).pvalue > 0.001
        counts = [np.bincount(each.y) for each in (made, truth)]
        assert stats.chi2_contingency(counts).pvalue > 0.001

    def test_a_region_is_not_given_up_after_a_few_rows(self):
        rare = {
            "columns": {
                "_rare": {"from": "choice", "values": [0, 1], "weights": [0.9998, 0.0002]},
                "x2": {"from": "choice", "values": [0, 1], "weights": ["1 - _rare", "_rare"]},
            },
        }
        samples = sampled(rare, Region((Condition(2, low=0.5),)), n=2000, table=self.table)
        assert samples.tried > 390_000
        assert len(samples.table) > 40

    @pytest.mark.parametrize(("low", "high"), [(8.0, 9.0), (-9.0, -8.0), (-1.0, 2.0), (5.0, np.inf)])
    def test_tails_keep_their_digits(self, low, high):
        x, mass = truncated(stats.norm(), low, high, 500, rng())
        assert ((x > low) & (x <= high)).all()
        assert len(np.unique(x)) == 500
        assert stats.kstest(x, lambda t: stats.truncnorm.cdf(t, low, high)).pvalue > 0.001
        expected = stats.norm.sf(low) - stats.norm.sf(high) if low > 0 else stats.norm.cdf(high) - stats.norm.cdf(low)
        np.testing.assert_allclose(mass, expected, rtol=1e-12)


class TestScenarios:
    def test_a_scenario_adds_what_the_data_have_never_shown(self):
        table = mixed_table()
        quiet = {"columns": {"night": False}, "scenarios": {"odd": {"weight": 1, "columns": {"merchant": CHOICE}}}}
        made = sampled({**quiet, "columns": {**quiet["columns"], "merchant": {"from": "data"}}}).table
        assert not (table.X[:, 5] == 4).any()
        assert (made.X[:, 5] == 4).all()

    def test_rates_follow_the_weights(self):
        assert abs(sampled(BOOK, n=20_000).table.y.mean() - 0.1) < 0.01

    def test_columns_from_the_data_fit_the_class(self):
        table = mixed_table(3000)
        for label in (0, 1):
            made = sampled({}, label=label, table=table).table
            assert abs(made.X[:, 1].mean() - table.X[table.y == label, 1].mean()) < 0.1

    def test_a_class_that_no_scenario_gives(self):
        only = {"scenarios": {"usual": {"weight": 1, "label": "fine"}}}
        with pytest.raises(ConditionError, match="no scenario of the book gives class 'fraud'"):
            sampled(only, label=1)


CHOICE = {"from": "choice", "values": ["never seen"]}


class TestParents:
    """Every value from the data names the real row that it was taken from."""

    table = mixed_table().take(np.arange(100, 500))  # row numbers are not positions

    @pytest.mark.parametrize("label", [None, 1])
    def test_each_column_has_its_own(self, label):
        made = sampled(UNLABELLED, Region((Condition(5, codes=frozenset({1})),)), label, 300, self.table).table
        given = [name for name in self.table.schema.names if name not in UNLABELLED["columns"]]
        assert made.parents.shape == (300, 1 + len(given) + 1)
        assert (made.parents[:, 0] == -1).all()  # it starts from none
        at = made.parents[:, 1:] - 100
        for place, name in enumerate(given):
            column = self.table.schema.names.index(name)
            np.testing.assert_array_equal(made.X[:, column], self.table.X[at[:, place], column])
        np.testing.assert_array_equal(made.y, self.table.y[at[:, -1]])
        assert (made.parents[:, 1] != made.parents[:, -1]).any()  # drawn one by one

    def test_what_the_book_draws_has_none(self):
        stated = {
            "columns": {name: {"from": "data"} for name in self.table.schema.names},
            "scenarios": {
                "usual": {"weight": 0.5, "label": "fine"},
                "late": {"weight": 0.5, "label": "fraud", "columns": {"night": True}},
            },
        }
        made = sampled(stated, table=self.table).table
        night = self.table.schema.names.index("night")
        np.testing.assert_array_equal(made.parents[:, 1 + night] == -1, made.y == 1)
        assert (made.parents[:, -1] == -1).all()  # the label is the book's
        assert (np.delete(made.parents[:, 1:-1], night, axis=1) >= 100).all()

    def test_they_survive_saving(self, tmp_path):
        rules = Rules(UNLABELLED).fit(self.table, rng())
        rules.save(tmp_path)
        one, other = (each.sample(Request(ANYWHERE, 1, 50), rng()).table for each in (rules, Rules.load(tmp_path)))
        np.testing.assert_array_equal(one.parents, other.parents)
        assert one.parents[:, 1:].min() >= 100

    @pytest.mark.parametrize("rows", [None, np.arange(3), np.zeros(400)])
    def test_saved_values_have_a_row_number_each(self, rows, tmp_path):
        Rules(UNLABELLED).fit(self.table, rng()).save(tmp_path)
        held = dict(np.load(tmp_path / "data.npz"))
        held.pop("row")
        np.savez(tmp_path / "data.npz", **held, **({} if rows is None else {"row": rows}))
        with pytest.raises(DataError, match=r"must have a row number each|row must have 1 dimension of whole numbers"):
            Rules.load(tmp_path)


class TestEvents:
    book = {  # noqa: RUF012
        "events": {"entity": "card", "time": "time", "start": "2024-01-01", "end": "2024-02-01", "rows_each": 20},
        "columns": {"amount": {"from": "uniform", "low": 10, "high": 20}, "turn_": "turn"},
        "scenarios": {
            "usual": {"weight": 0.9, "label": 0},
            "burst": {
                "weight": 0.1,
                "label": 1,
                "steps": [
                    {"count": 3, "gap": {"from": "uniform", "low": 1, "high": 60}, "columns": {"amount": 1}},
                    {"count": 1, "gap": 100, "columns": {"amount": 500}},
                ],
            },
        },
    }

    def test_a_burst_is_a_run_of_small_payments_and_a_large_one(self):
        frame = Rules(self.book).generate(2000, rng())
        assert frame["time"].is_monotonic_increasing
        bursts = frame[frame["label"] == 1].sort_values(["card", "time", "turn_"], kind="stable")
        assert len(bursts) == pytest.approx(200, abs=60)
        large = np.flatnonzero(bursts["amount"] == 500)
        assert len(large) >= len(bursts) // 4 - 1
        lone = bursts.groupby("card").filter(lambda rows: len(rows) == 4)  # cards with a single burst
        assert len(lone)
        for _, rows in lone.groupby("card"):
            assert rows["amount"].tolist() == [1, 1, 1, 500]
            gaps = rows["time"].diff().dt.total_seconds().to_numpy()[1:]
            assert (gaps[:2] <= 61).all()
            assert 99 <= gaps[2] <= 101

    def test_what_came_before_is_counted_by_hand(self):
        told = {
            **self.book["columns"],
            "last": {"from": "seconds_since_last"},
            "count": {"from": "count_before", "seconds": 86400},
            "mean": {"from": "mean_before", "of": "amount"},
        }
        frame = Rules({**self.book, "columns": told}).generate(400, rng())
        seconds = (frame["time"] - pd.Timestamp("2024-01-01")).dt.total_seconds().to_numpy()
        for row in range(len(frame)):
            before = np.flatnonzero((frame["card"] == frame["card"][row]).to_numpy()[:row])
            if len(before) == 0:
                assert np.isnan(frame["last"][row])
                assert frame["count"][row] == 0
                continue
            assert frame["last"][row] == seconds[row] - seconds[before[-1]]
            assert frame["count"][row] == (seconds[before] >= seconds[row] - 86400).sum()
            assert frame["mean"][row] == pytest.approx(frame["amount"][before].mean())

    def test_what_came_before_does_not_lie_ahead(self):
        told = {**self.book["columns"], "count": {"from": "count_before", "seconds": -3600}}
        with pytest.raises(ConfigError, match="seconds must be 0 or more, got -3600"):
            Rules({**self.book, "columns": told}).generate(50, rng())

    def test_a_missing_value_spoils_no_mean(self):
        told = {
            "amount": {"from": "uniform", "low": 10, "high": 20, "missing": 0.3},
            "mean": {"from": "mean_before", "of": "amount"},
        }
        quiet = {"events": self.book["events"], "columns": told}
        frame = Rules(quiet).generate(400, rng())
        for row in range(len(frame)):
            before = frame["amount"][:row][frame["card"][:row] == frame["card"][row]]
            assert frame["mean"][row] == pytest.approx(before.mean(), nan_ok=True)

    def test_incidents_of_a_regular_series_stay_with_their_entity(self):
        events = {"entity": "e", "time": "t", "start": "2024-01-01", "every": 60, "rows_each": 7}
        steps = {
            "long": {"weight": 0.5, "steps": [{"count": 5}]},
            "endless": {"weight": 0.5, "steps": [{"count": 1e12}]},
        }
        frame = Rules({"events": events, "columns": {"turn_": "turn"}, "scenarios": steps}).generate(703, rng())
        assert len(frame) == 703
        first = frame.groupby("e").head(1)
        assert (first["turn_"] == 0).all()
        assert set(frame["scenario"]) == {"long", "endless"}
        assert frame.groupby("e").size().iloc[:-1].eq(7).all()

    def scattered(self, n=4000, steps=None, **events):
        told = {"entity": "e", "time": "t", "start": "2024-01-01", "end": "2024-01-21", "rows_each": 20} | events
        book = {"events": told, "columns": {"turn_": "turn"}}
        return Rules(book | {"scenarios": {"s": {"weight": 1, **({"steps": steps} if steps else {})}}}).generate(
            n, rng()
        )

    def test_nothing_is_heaped_at_the_end(self):
        for gap in (5 * 86400, 1e300):
            frame = self.scattered(steps=[{"count": 9, "gap": gap}])
            assert len(frame) == 4000
            assert frame["t"].value_counts().max() < 10
            assert frame["t"].between("2024-01-01", "2024-01-20T23:59:59").all()

    def test_hours_count_from_midnight_and_every_part_of_a_day_is_used(self):
        frame = self.scattered(hour=3.5, start="2024-01-01T10:00", end="2024-01-04T04:00")
        assert set(frame["t"].dt.strftime("%d %H:%M")) == {"02 03:30", "03 03:30", "04 03:30"}
        anywhere = self.scattered(start="2024-01-01T18:00", end="2024-01-03T12:00")
        assert 0.1 < (anywhere["t"] < "2024-01-02").mean() < 0.2
        assert anywhere["t"].max() > pd.Timestamp("2024-01-03T11:00")

    def test_an_endless_count_takes_no_memory(self):
        assert len(self.scattered(n=50, steps=[{"count": 1e12}, {"count": 1e300}])) == 50

    def test_the_same_seed_gives_the_same_world(self):
        one, other, third = (Rules(self.book).generate(300, rng(seed)) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(one, other)
        assert not one["amount"].equals(third["amount"])

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_few_rows(self, n):
        for name in ("cards", "business", "series"):
            assert len(generated(name, n)) == n


class TestExamples:
    def test_cards(self):
        frame = generated("cards", 30_000)
        honest, fraud = frame[frame["fraud"] == 0], frame[frame["fraud"] == 1]
        assert len(frame) == 30_000
        assert 0.007 < len(fraud) / len(frame) < 0.013
        assert set(frame["scenario"]) == {"honest", "honest_repeats", *SCENARIOS}
        testing, stolen = (frame[frame["scenario"] == name] for name in ("card_testing", "stolen_card"))
        assert testing["count_1h"].mean() > 5 * honest["count_1h"].mean()
        assert testing["night"].mean() > 0.9
        assert stolen["distance_km"].median() > 5 * honest["distance_km"].median()
        assert stolen["amount_to_mean"].median() > 2 * honest["amount_to_mean"].median()
        assert frame[frame["scenario"] == "account_takeover"]["device_changed"].mean() > 0.7
        assert frame[frame["scenario"] == "refund_abuse"]["account_age_days"].max() < 200
        assert frame["distance_km"].isna().equals(frame["online"])
        assert frame.groupby("customer")["amount"].mean().std() > 10  # habits differ

    def test_business(self):
        frame = generated("business", 30_000)
        default = frame["outcome"] == "default"
        assert 0.01 < default.mean() < 0.12
        regular = frame[frame["scenario"] == "regular"]
        assert regular["income"].corr(regular["amount"], method="spearman") > 0.3
        assert regular["score"].corr(regular["burden"], method="spearman") < -0.2
        assert default[frame["late_payments"] > 1].mean() > 2 * default[frame["late_payments"] == 0].mean()
        defect = frame[frame["scenario"] == "yearly_as_monthly"]
        assert 0.005 < len(defect) / len(frame) < 0.015
        assert defect["burden"].median() < regular["burden"].median() / 5
        assert default[defect.index].mean() > 3 * default[regular.index].mean()
        assert frame["age"].min() >= 18

    def test_series(self):
        frame = generated("series", 20 * 730)
        assert (frame.groupby("sensor").size() == 730).all()
        assert (frame.groupby("sensor")["day"].diff().dropna() == pd.Timedelta(days=1)).all()
        assert (frame["day"].dt.day_of_week == frame["weekday"]).all()
        months = frame[frame["state"] == "normal"].groupby(frame["day"].dt.month)["temperature"].mean()
        assert months[7] - months[1] > 8  # season
        years = frame.groupby(frame["day"].dt.year)["temperature"].mean()
        assert 0.3 < years[2023] - years[2022] < 1.7  # trend
        stuck = frame[frame["state"] == "stuck"]
        assert (stuck["temperature"] == stuck["temperature"].round()).all()
        by_state = frame.groupby("state")
        assert by_state["vibration"].mean()["wear"] > 1.5 * by_state["vibration"].mean()["normal"]
        assert by_state["temperature"].mean()["spike"] > by_state["temperature"].mean()["normal"] + 5
        wear = (frame["state"] == "wear").to_numpy()
        assert np.diff(np.flatnonzero(np.diff(wear.astype(int)) != 0))[::2].mean() > 10  # anomalies last

    @pytest.mark.parametrize(("name", "target"), [("cards", "fraud"), ("business", "outcome"), ("series", "state")])
    def test_a_book_fits_the_data_that_it_made(self, name, target):
        frame = generated(name, 3000).drop(columns="scenario")
        aside = {each: "whose and when" for each in ("customer", "sensor", "time", "day") if each in frame}
        schema = infer(frame, target, aside=aside)
        table = encode(schema, frame)
        rules = Rules(EXAMPLES / f"{name}.yaml").fit(table, rng())
        region = as_region(parse(REGIONS[name]), schema)
        for label in (None, schema.positive):
            made = rules.sample(Request(region, label, 40), rng()).table
            assert len(made) == 40
            assert region.contains(made.rows).all()


SCENARIOS = ("card_testing", "stolen_card", "account_takeover", "compromised_terminal", "refund_abuse")
REGIONS = {
    "cards": "online and amount > 5",
    "business": "purpose == 'car' and income < 40000",
    "series": "temperature > 15 and weekday < 5",
}


def test_the_path_of_a_book_is_not_needed_after_saving(tmp_path):
    path = tmp_path / "book.yaml"
    path.write_text(yaml.safe_dump(BOOK, sort_keys=False))
    rules = Rules(path).fit(mixed_table(), rng())
    rules.save(tmp_path / "saved")
    path.unlink()
    loaded = Rules.load(tmp_path / "saved")
    one, other = (each.sample(Request(ANYWHERE, 1, 50), rng()).table.X for each in (rules, loaded))
    np.testing.assert_array_equal(one, other)


def test_a_column_that_names_the_scenarios_follows_them():
    made = Rules(EXAMPLES / "business.yaml").generate(6000, rng())
    schema = infer(made, "outcome")
    generator = Rules(EXAMPLES / "business.yaml").fit(encode(schema, made), rng())
    organised = as_region(parse("scenario == 'organised'"), schema)
    rows = decode(schema, generator.sample(Request(organised, None, 500), rng()).table)
    truth = made[made["scenario"] == "organised"]
    assert len(truth) > 20
    assert len(rows) == 500
    assert set(rows["outcome"]) == set(truth["outcome"])
    assert set(rows["purpose"]) == set(truth["purpose"])
    anywhere = decode(schema, generator.sample(Request(ANYWHERE, None, 3000), rng()).table)
    shares = anywhere["scenario"].value_counts(normalize=True)
    assert abs(shares["organised"] - len(truth) / len(made)) < 0.02
    few = made[made["scenario"] != "organised"]
    few_schema = infer(few, "outcome")
    with pytest.raises(ConfigError, match="must know all scenarios of the book or none, and lacks 'organised'"):
        Rules(EXAMPLES / "business.yaml").fit(encode(few_schema, few), rng())
    other = few.assign(scenario=np.where(few["age"] > 40, "old", "young"))
    free = infer(other, "outcome")
    drawn = Rules(EXAMPLES / "business.yaml").fit(encode(free, other), rng()).sample(Request(ANYWHERE, None, 50), rng())
    assert set(decode(free, drawn.table)["scenario"]) == {"old", "young"}
