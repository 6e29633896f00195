"""Names of a run's metrics: MLflow may write each as a file."""

import posixpath

import pytest

from experiments.run.artifacts import _group_of


@pytest.mark.parametrize(
    ("supply", "group"),
    [
        ("taught", "supply/taught"),
        ("stated: young", "supply/stated/young"),
        ("stated: a: b", "supply/stated/a: b"),
        ("stated: cards/../lost", "supply/stated/cards_.._lost"),
        ("stated: ..", "supply/stated/_"),
    ],
)
def test_metrics_of_a_supply_are_in_a_group_of_its_own(supply: str, group: str) -> None:
    assert _group_of(supply) == group
    assert posixpath.normpath(group) == group  # as MLflow checks it
