"""The finders against the laws of finders, and their pieces against exact answers."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from loop.errors import ConfigError, DataError
from loop.protocols import RegionFinder
from loop.regions import ByClass, Groups, TreeFinder
from loop.regions.boxes import weak_boxes
from loop.regions.groups import MOST
from loop.regions.rule_text import describe
from loop.regions.significance import benjamini_hochberg, bootstrap_difference, permutation_p
from loop.regions.tree import halves
from loop.rows import Rows
from loop.testing import finders as laws
from loop.types import DAY, Column, Condition, Region, Schema, Table

FRAUD: dict[str, laws.Inside] = {"class": lambda table: table.y == 1}
PEOPLE: dict[str, laws.Inside] = {
    "one column": lambda table: table.X[:, 2] == 3,
    "two columns": lambda table: (table.X[:, 2] == 1) & (table.X[:, 4] == 1),
}
TREE, BY_CLASS, GROUPS = TreeFinder(), ByClass(), Groups(("merchant", "abroad"))
EVERY = [
    pytest.param(TREE, laws.BOXES, id="tree"),
    pytest.param(BY_CLASS, FRAUD, id="by class"),
    pytest.param(GROUPS, PEOPLE, id="groups"),
]
PLANTED = [
    *(pytest.param(TREE, inside, id=f"tree: {name}") for name, inside in laws.BOXES.items()),
    *(pytest.param(BY_CLASS, inside, id=f"by class: {name}") for name, inside in FRAUD.items()),
    *(pytest.param(GROUPS, inside, id=f"groups: {name}") for name, inside in PEOPLE.items()),
]


@pytest.mark.parametrize(("finder", "inside"), PLANTED)
def test_planted_region_is_found(finder: RegionFinder, inside: laws.Inside) -> None:
    laws.planted_region_is_found(finder, inside)


@pytest.mark.parametrize("noise", laws.NOISE)
@pytest.mark.parametrize(
    "finder",
    [TreeFinder(min_positives=0), BY_CLASS, Groups(("merchant", "abroad"), min_positives=0)],
    ids=["tree", "by class", "groups"],
)
def test_noise_has_no_regions(finder: RegionFinder, noise: str) -> None:
    laws.noise_has_no_regions(finder, laws.NOISE[noise])


@pytest.mark.parametrize(("finder", "inside"), PLANTED)
def test_regions_tell_the_truth(finder: RegionFinder, inside: laws.Inside) -> None:
    laws.counts_are_true(finder, inside)
    laws.seeds_are_the_rows_inside(finder, inside)
    laws.only_measured_real_rows_count(finder, inside)


@pytest.mark.parametrize(("finder", "insides"), EVERY)
def test_finding_is_a_function_of_its_inputs(finder: RegionFinder, insides: dict[str, laws.Inside]) -> None:
    for inside in insides.values():
        laws.same_seed_same_regions(finder, inside)
        laws.inputs_stay_as_they_are(finder, inside)
    laws.nothing_is_found_where_nothing_differs(finder)


@pytest.mark.parametrize(("finder", "insides"), EVERY)
def test_deficits_are_ordered_and_true(finder: RegionFinder, insides: dict[str, laws.Inside]) -> None:
    laws.worst_comes_first(finder)
    laws.intervals_hold_the_truth(finder, insides)


def _planted(inside: laws.Inside, n: int = 600) -> tuple[Table, np.ndarray]:
    rng = np.random.default_rng(0)
    table = laws.draw_table(rng, n)
    return table, laws.plant(table, inside, rng)


def test_regions_with_few_positives_are_not_told() -> None:
    table, weakness = _planted(laws.BOXES["numeric"])
    regions = TreeFinder(min_positives=0).find(table, weakness, np.random.default_rng(0))
    most = max(region.positives for region in regions)
    enough = TreeFinder(min_positives=most).find(table, weakness, np.random.default_rng(0))
    assert [region.positives for region in enough] == [most]
    assert TreeFinder(min_positives=most + 1).find(table, weakness, np.random.default_rng(0)) == ()


def test_regions_stop_once_they_cover_enough() -> None:
    rng = np.random.default_rng(0)
    table = laws.draw_table(rng, n=4000)
    weakness = rng.exponential(1.0 + table.X[:, 1] / 4.0)
    few, many = (TreeFinder(cover=cover).find(table, weakness, np.random.default_rng(0)) for cover in (0.1, 0.6))
    assert 0 < len(few) < len(many)
    assert [region.text for region in few] == [region.text for region in many][: len(few)]
    but_last = np.any([region.contains(table.rows) for region in many[:-1]], axis=0)
    assert but_last.mean() < 0.6


def test_region_text_is_its_rule_in_words() -> None:
    table, weakness = _planted(laws.BOXES["categorical"])
    (region,) = TreeFinder().find(table, weakness, np.random.default_rng(0))
    assert region.text == "merchant in {fuel, games}"
    assert region.rule[0].codes == frozenset({1, 3})


def test_groups_come_from_columns_that_make_some() -> None:
    table, weakness = _planted(PEOPLE["one column"])
    (region, *_) = GROUPS.find(table, weakness, np.random.default_rng(0))
    assert region.text == "merchant = games"
    for columns in (("amount",), ("merchant", "nobody")):
        with pytest.raises(DataError, match="categorical or boolean columns"):
            Groups(columns).find(table, weakness, np.random.default_rng(0))
    for settings in ({"columns": ()}, {"columns": ("abroad", "abroad")}, {"columns": ("merchant",), "min_rows": 0}):
        with pytest.raises(ConfigError):
            Groups(**settings)


def test_a_thousand_values_of_two_columns_make_no_million_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(map(str, range(1000)))
    columns = tuple(Column(name, "categorical", "str", categories=names) for name in ("shop", "city"))
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.zipf(1.3, 5000) % 1000, rng.zipf(1.3, 5000) % 1000]).astype(float)
    table = Table.real(X, rng.random(5000) < 0.2, Schema(columns, ("no", "yes")))
    weakness = rng.exponential(size=5000) * np.where((X == 1).all(axis=1), 4.0, 1.0)
    looked_at = []
    monkeypatch.setattr("loop.regions.groups.describe", lambda *told: looked_at.append(told) or describe(*told))
    regions = Groups(("shop", "city"), min_positives=1, min_rows=2).find(table, weakness, rng)
    assert len(looked_at) == MOST
    assert "shop = '1' and city = '1'" in [region.text for region in regions]


def test_halves_are_equal_stratified_and_keep_copies_together() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        copies = np.repeat(np.arange(100), rng.integers(1, 4, size=100))
        table = laws.draw_table(rng, n=100).take(copies)
        first = halves(table, rng)
        assert not set(copies[first]) & set(copies[~first])
        rows_of_positives = table.row_number[table.y == 1]
        for rows in (np.unique(table.row_number), np.unique(rows_of_positives)):
            assert abs(np.isin(rows, copies[first]).sum() - len(rows) / 2) <= 1


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_boxes_hold_exactly_the_rows_of_their_leaves(scale: float) -> None:
    """Values that differ only beyond float32 are told apart, and values beyond its range are no trouble."""
    rng = np.random.default_rng(0)
    seconds = 1.5e9 + np.arange(250.0)
    X = np.column_stack([seconds, rng.normal(size=250) * scale, rng.integers(4, size=250)])
    X[200:, 1] = np.nan
    discrete = np.array([False, False, True])
    for weak in (np.arange(250) // 30 == 3, np.isnan(X[:, 1]), X[:, 1] > scale, np.isin(X[:, 2], [0, 3])):
        rules = weak_boxes(X, np.where(weak, 5.0, 1.0), discrete, depth=4, min_rows=5, rng=rng)
        inside = [Region(rule).contains(Rows(X)) for rule in rules]
        np.testing.assert_array_equal(np.sum(inside, axis=0), weak)


def test_a_column_without_values_is_no_trouble() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([np.full(200, np.nan), rng.normal(size=200), np.full(200, np.nan)])
    rules = weak_boxes(X, (X[:, 1] > 1) * 1.0, np.array([False, False, True]), depth=2, min_rows=5, rng=rng)
    assert [[condition.column for condition in rule] for rule in rules] == [[1]]


def test_many_rare_categories_do_not_hide_a_weak_range() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=1000), rng.integers(200, size=1000)])
    weakness = rng.exponential(np.where(X[:, 0] > 1, 3.0, 1.0))
    rules = weak_boxes(X, weakness, np.array([False, True]), depth=4, min_rows=20, rng=rng)
    assert {condition.column for rule in rules for condition in rule} == {0}


@pytest.mark.parametrize("seed", range(3))
def test_a_large_table_is_thinned_without_losing_a_small_region(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.random((60_000, 4))
    inside = (X[:, 0] > 0.8) & (X[:, 1] > 0.85)
    failed = rng.random(len(X)) < np.where(inside, 0.06, 0.01)  # errors are rare everywhere
    rules = weak_boxes(X, failed * 1.0, np.zeros(4, dtype=bool), depth=4, min_rows=1200, rng=rng)
    members = [Region(rule).contains(Rows(X)) for rule in rules]
    assert all(each.sum() > 1000 for each in members), "a leaf is as large as asked, to the error of the sample"
    assert max((each & inside).sum() / (each | inside).sum() for each in members) > 0.8


def test_permutation_p_is_the_share_of_all_subsets() -> None:
    rng = np.random.default_rng(0)
    weakness = np.array([0.1, 0.1, 0.1, 2.0, 0.5, 0.1, 3.0, 0.1, 2.0])
    members = [np.isin(np.arange(9), rows) for rows in ([3, 4, 5], [0, 1], [6], [3, 6, 8, 4])]
    exact = [
        np.mean([sum(subset) >= weakness[m].sum() - 1e-9 for subset in combinations(weakness, int(m.sum()))])
        for m in members
    ]
    np.testing.assert_allclose(permutation_p(weakness, members, 20_000, rng), exact, atol=0.01)


@pytest.mark.parametrize("tail", [1.2, 3.0])
def test_permutation_p_of_many_rows_equals_plain_permutation(tail: float) -> None:
    rng = np.random.default_rng(0)
    weakness = rng.pareto(tail, size=2000)
    inside = np.arange(2000) < 150
    weakness[inside] *= 1.15
    plain = np.array([rng.permutation(weakness)[:150].sum() for _ in range(5000)])
    expected = np.mean(plain >= weakness[inside].sum())
    assert 0.01 < expected < 0.6
    (p,) = permutation_p(weakness, [inside], 5000, rng)
    assert p == pytest.approx(expected, abs=0.03)


def test_permutation_p_is_uniform_under_the_null() -> None:
    rng = np.random.default_rng(0)
    inside = np.arange(500) < 40
    p = np.array([permutation_p(rng.pareto(1.2, size=500), [inside], 199, rng)[0] for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) <= level + 3 * np.sqrt(level * (1 - level) / 400)
        assert np.mean(p <= level) >= level - 3 * np.sqrt(level * (1 - level) / 400)


def test_benjamini_hochberg_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        p = rng.random(int(rng.integers(1, 30))) ** 3
        np.testing.assert_array_equal(benjamini_hochberg(p, 0.1), false_discovery_control(p) <= 0.1)
    assert benjamini_hochberg(np.zeros(0), 0.1).shape == (0,)


@pytest.mark.parametrize(("inside", "shown"), [(60, 10), (600, 10), (600, 1)])
def test_bootstrap_intervals_cover_as_often_as_they_say(inside: int, shown: int) -> None:
    rng = np.random.default_rng(0)
    intervals = [
        bootstrap_difference(rng.exponential(2.0, size=inside), rng.exponential(size=900), rng, shown=shown, tested=10)
        for _ in range(600)
    ]
    said = 1 - 0.05 * shown / 10
    covered = np.mean([interval.low <= 1.0 <= interval.high for interval in intervals])
    assert covered >= said - 3 * np.sqrt(said * (1 - said) / 600)
    if shown == 10:
        assert covered <= 0.995


WORDS = Schema(
    (
        Column("amount", "numeric", "float64", decimals=2),
        Column("ratio", "numeric", "float64"),
        Column("age", "integer", "Int64", missing=True),
        Column("merchant", "categorical", "str", categories=("food", "fuel", "travel"), missing=True),
        Column("abroad", "boolean", "bool"),
        Column("time", "datetime", "datetime64[s]"),
        Column("day", "datetime", "datetime64[s]", days=True),
    ),
    ("honest", "fraud"),
)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ([], "anywhere"),
        ([Condition(0, low=312.5)], "amount > 312.5"),
        ([Condition(6, 1.5 * DAY, 2.25 * DAY)], "1970-01-02 < day <= 1970-01-03"),
        ([Condition(1, low=1 / 3, high=123456.789)], "0.3333333333333333 < ratio <= 123456.789"),
        ([Condition(2, high=30.0), Condition(4, codes=frozenset({1}))], "age <= 30 and abroad = True"),
        ([Condition(2, low=np.inf, missing=True)], "age missing"),
        ([Condition(2, missing=True, high=30.0)], "age <= 30 or missing"),
        ([Condition(2)], "age known"),
        ([Condition(3, codes=frozenset({2, 1}))], "merchant in {fuel, travel}"),
        ([Condition(3, codes=frozenset({0}), missing=True)], "merchant = food or missing"),
        ([Condition(3, codes=frozenset({0, 1, 2}))], "merchant known"),
        ([Condition(3, codes=frozenset(), missing=True)], "merchant missing"),
        ([Condition(5, low=1532476800.0)], "time > 2018-07-25 00:00:00"),
    ],
)
def test_rules_in_words(rule: list[Condition], text: str) -> None:
    assert describe(rule, WORDS) == text


@pytest.mark.parametrize(
    "settings",
    [{"depth": 0}, {"min_rows": 1}, {"min_positives": -1}, {"min_share": 0.0}, {"false_discovery": 1.1}, {"cover": -1}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        TreeFinder(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("settings", [{"min_rows": 0}, {"false_discovery": 0.0}])
def test_settings_of_by_class_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        ByClass(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("finder", [TREE, BY_CLASS], ids=["tree", "by class"])
def test_weakness_that_does_not_fit_is_refused(finder: RegionFinder) -> None:
    table = laws.draw_table(np.random.default_rng(0), n=100)
    with pytest.raises(DataError, match="100 rows"):
        finder.find(table, np.zeros(99), np.random.default_rng(0))
    with pytest.raises(DataError, match="1 infinit"):
        finder.find(table, np.append(np.zeros(99), np.inf), np.random.default_rng(0))
