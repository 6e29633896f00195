"""The blend: a weighted mean, fitted or made of fitted learners, on disk and back bit for bit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from learners import Blend, ExtraTrees, Linear, XGBoost
from loop.errors import ConfigError
from loop.protocols import Learner
from loop.testing.learners import blobs

TABLE, FRESH = blobs(n_classes=3), blobs(n_classes=3, seed=1).rows
MEMBERS = (XGBoost(trees=5), ExtraTrees(trees=5))


def fitted_members() -> list[Learner]:
    return [member.fit(TABLE, np.random.default_rng(0)) for member in (XGBoost(trees=5), ExtraTrees(trees=5))]


@pytest.mark.parametrize(("weights", "shares"), [(None, (0.5, 0.5)), ((1, 3), (0.25, 0.75))])
def test_answers_are_the_weighted_mean(weights: Sequence[float] | None, shares: tuple[float, float]) -> None:
    members = fitted_members()
    one, other = (member.predict_proba(FRESH) for member in members)
    blend = Blend.of(members, weights)
    np.testing.assert_allclose(blend.predict_proba(FRESH), shares[0] * one + shares[1] * other)
    np.testing.assert_array_equal(blend.shares, shares)
    assert blend.nested_learners() == tuple(members)


def test_members_are_copied_and_have_random_numbers_of_their_own() -> None:
    members = (ExtraTrees(trees=5), ExtraTrees(trees=5))
    blend = Blend(members).fit(TABLE, np.random.default_rng(0))
    assert not any(hasattr(member, "n_classes_") for member in members)
    one, other = (member.predict_proba(FRESH) for member in blend.members_)
    assert not np.array_equal(one, other)


def test_a_blend_of_fitted_members_is_fitted_again_without_changing_them() -> None:
    members = fitted_members()
    before = [member.predict_proba(FRESH) for member in members]
    again = Blend.of(members).fit(blobs(n_classes=3, seed=5), np.random.default_rng(0))
    for member, answer in zip(members, before, strict=True):
        np.testing.assert_array_equal(member.predict_proba(FRESH), answer)
    fresh = Blend(MEMBERS).fit(blobs(n_classes=3, seed=5), np.random.default_rng(0))
    np.testing.assert_array_equal(again.predict_proba(FRESH), fresh.predict_proba(FRESH))


@pytest.mark.parametrize("weights", [None, (1, 2.5)])
def test_a_loaded_blend_answers_bit_for_bit(weights: Sequence[float] | None, tmp_path: Path) -> None:
    blend = Blend(MEMBERS, weights).fit(TABLE, np.random.default_rng(0))
    blend.save(tmp_path / "blend")
    loaded = Blend.load(tmp_path / "blend")
    np.testing.assert_array_equal(loaded.predict_proba(FRESH), blend.predict_proba(FRESH))
    assert loaded.weights == (None if weights is None else list(weights))


@pytest.mark.parametrize(
    ("members", "weights", "words"),
    [
        ((), None, "members of a blend must be one learner or more, got none"),
        ((Linear(), Linear()), (1,), "weights of a blend must be one for each of 2 members, got 1"),
        ((Linear(),), (0,), "weights of a blend must be above 0 and finite, got 0"),
        ((Linear(), Linear()), (1, float("nan")), "must be above 0 and finite, got nan"),
    ],
)
def test_wrong_settings_are_refused(members: Sequence[Learner], weights: Sequence[float] | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Blend(members, weights)
