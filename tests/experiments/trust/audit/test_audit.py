"""An audit as a whole: its state in words, what it cannot know, and what its parts measure where the truth is known."""

import re
from dataclasses import replace

import numpy as np
import pytest
from planted_leaks import evidence_with

from experiments.benchmarks.fidelity.fidelity import Independent
from experiments.trust.audit.audit import audit
from experiments.trust.audit.evidence import NO_CONTROLS, halves, refitted, two_tables
from experiments.trust.audit.likeness import likeness
from experiments.trust.audit.output import headline, page, record_of
from experiments.trust.audit.utility import roc_auc, utility
from experiments.trust.audit.verdict import LEAKS, NONE_SEEN, UNKNOWN, state_of, verdict_of
from generators import Resample
from loop.errors import DataError
from loop.testing.tables import mixed_table, numeric_table
from loop.types import Region, Request, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_leak_is_told_in_words_where_the_mean_distance_sees_nothing() -> None:
    found = audit(evidence_with(0.05), rng(), trained=False)
    assert state_of(found) == LEAKS
    assert "An attacker can tell whose rows were used" in verdict_of(found)
    assert found.copies.too_many
    assert found.copies.equal.estimate == pytest.approx(0.05, abs=0.005)
    assert found.copies.distance > 0.9 * found.copies.distance_usual
    told = record_of("planted", found)
    assert told["headline"]["tpr_at_1"] > 0.03
    assert told["headline"]["utility_auc"] is None
    assert "An attacker can tell" in page(told)
    assert not re.search(r"\d%", told["verdict"])  # written as in the tables below it
    assert page(told).count('<th scope="row" class="group">') == 7  # names have room on a narrow screen


def test_fresh_rows_are_told_as_not_seen_and_never_as_safe() -> None:
    found = audit(evidence_with(0.0, n=800), rng(), trained=False)
    assert state_of(found) == NONE_SEEN
    assert "no guarantee" in verdict_of(found)
    assert not found.copies.too_many


def test_two_tables_alone_say_what_cannot_be_known() -> None:
    found = audit(two_tables(mixed_table(400), mixed_table(400, seed=1), rng()), rng(), trained=False)
    assert state_of(found) == UNKNOWN
    assert "cannot be known" in verdict_of(found)
    assert NO_CONTROLS in found.said
    assert set(headline(found)) == {
        *("worst_auc", "tpr_at_1", "tpr_at_01", "epsilon_lower", "utility_auc", "detection_auc"),
    }
    assert headline(found)["worst_auc"] is None
    assert "No attack was made" in page(record_of("two", found))


def test_two_tables_alone_still_show_copies() -> None:
    real = mixed_table(400)
    found = audit(two_tables(real, Table.concat([real.take(np.arange(200)), mixed_table(200, seed=1)]), rng()), rng())
    assert found.copies.too_many
    assert state_of(found) == LEAKS


def test_controls_of_another_kind_are_no_evidence() -> None:
    evidence = evidence_with(0.0, n=600)
    assert evidence.target is not None
    moved = [getattr(evidence.target, name) for name in ("controls", "reference")]
    later = [replace(each, rows=replace(each.rows, X=each.X + 3 * np.nan_to_num(each.X.std(axis=0)))) for each in moved]
    found = audit(replace(evidence, target=replace(evidence.target, controls=later[0], reference=later[1])), rng())
    assert found.differ is not None
    assert found.differ > 0.8
    assert state_of(found) == UNKNOWN
    assert "differ without any synthetic row" in verdict_of(found)


def test_a_generator_that_resamples_is_told_as_leaking() -> None:
    def again(members: Table) -> Table:
        return Resample().fit(members, rng(1)).sample(Request(Region(), None, len(members)), rng(2)).table

    evidence = refitted(mixed_table(1600), again, rng())
    assert "never saw the others" in evidence.said[0]
    assert state_of(audit(evidence, rng(), trained=False)) == LEAKS


def test_more_rows_than_are_looked_at_are_counted() -> None:
    found = audit(evidence_with(0.0, n=400), rng(), most=300, trained=False)
    assert "300 of the 400 members" in found.said[-1]


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="at least 20 rows of each table, got 10 synthetic rows"):
        audit(replace(evidence_with(0.0, n=400), synthetic=mixed_table(50).take(np.arange(10))), rng())


def test_halves_part_the_rows_and_keep_units_together() -> None:
    table = numeric_table(101)
    one, other = halves(table, rng())
    assert sorted([*one.row_number, *other.row_number]) == list(range(101))
    unit = np.arange(101) // 7
    sides = halves(replace(table, unit=unit), rng())
    assert not set(unit[sides[0].row_number]) & set(unit[sides[1].row_number])


def test_utility_is_that_of_the_labels() -> None:
    train, test = numeric_table(600), numeric_table(600, seed=1)
    shuffled = Independent().fit(train, rng()).sample(Request(Region(), None, 600), rng()).table
    found = utility(shuffled, train, test, rng())
    assert found is not None
    assert all(each.auc_real > 0.8 and each.auc < each.auc_real - 0.2 for each in found.trained)
    assert all(each.lost.high < 0 for each in found.trained)
    assert roc_auc(train.take(train.y == 0), test, rng()) == 0.5
    assert utility(train, train, test.take(test.y == 0), rng()) is None


def test_utility_is_told_by_group() -> None:
    table, test = mixed_table(500), mixed_table(900, seed=1)
    at = table.schema.names.index("night")
    found = utility(table, table, test, rng(), by=at)
    assert found is not None
    assert {group.group for group in found.groups} == {"night = 0", "night = 1"}
    assert sum(group.rows for group in found.groups) == len(test)
    assert all(group.auc == group.auc_real for group in found.groups)


def test_likeness_tells_apart_what_columns_alone_do_not() -> None:
    table = mixed_table(800)
    again = Resample().fit(table, rng()).sample(Request(Region(), None, 800), rng()).table
    linked = numeric_table(800)
    linked.X[:, 1] = linked.X[:, 0]
    loose = Independent().fit(linked, rng()).sample(Request(Region(), None, 800), rng()).table
    alike, floor = likeness(table, again, rng()), likeness(linked, loose, rng())
    assert min(alike.shapes, floor.shapes) > 0.93
    assert alike.pairs > 0.96 > floor.pairs - 0.01
    assert floor.detection_auc > 0.75 > 0.6 > alike.detection_auc
