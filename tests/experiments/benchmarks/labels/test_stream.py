"""A stream of payments in which who is checked decides what is known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.labels import labels, stream
from experiments.benchmarks.labels.stream import NEVER, POLICIES, TOP, Policy, Stream, payments
from experiments.data.card_fraud import FEATURES, TARGET
from learners import ExtraTrees
from learners.thinned import Thinned
from loop.asking.rounds import unlabelled
from loop.errors import DataError
from loop.rows import Rows
from loop.supplies.pool import Pool
from loop.testing.tables import numeric_table
from loop.types import Table

DAYS, CARDS = 5, 300


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nineteen days of two payments a card; large amounts are frauds, mostly."""
    rng, n = np.random.default_rng(0), 19 * CARDS * 2
    frame = pd.DataFrame({name: rng.random(n) for name in FEATURES})
    frame["CUSTOMER_ID"] = np.arange(n) % CARDS
    frame["TX_TIME_DAYS"] = np.arange(n) // (2 * CARDS)
    frame["TX_DATETIME"] = pd.Timestamp("2018-04-01 10:00") + pd.to_timedelta(frame["TX_TIME_DAYS"], unit="D")
    frame[TARGET] = ((frame["TX_AMOUNT"] > 0.97) & (rng.random(n) < 0.8)).astype(int)
    frame.to_parquet(tmp_path / "fraud_handbook.parquet")
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    monkeypatch.setattr(stream, "MODEL", Thinned(ExtraTrees(trees=10, max_features=0.5), 20_000))
    monkeypatch.setattr(stream, "CARDS", 10)


def test_days_count_from_the_stream() -> None:
    frame = payments("2018-04-01", DAYS)
    assert (frame["day"].min(), frame["day"].max()) == (-7, DAYS + 6)
    with pytest.raises(DataError, match="choose another day"):
        payments("2018-04-08", DAYS)


def test_checks_find_frauds_and_no_card_twice() -> None:
    found = [int(str(each["found"])) for each in Stream(Policy(), NEVER, DAYS).rows("2018-04-01")]
    assert len(found) == DAYS
    assert (np.diff([0, *found]) >= 0).all()
    assert (np.diff([0, *found]) <= 10).all()
    assert found[-1] >= 0.5 * 10 * DAYS  # the signal is plain


def test_checks_at_random_find_fewer() -> None:
    drawn, top = (Stream(each, NEVER, DAYS).rows("2018-04-01")[-1]["found"] for each in (Policy(audit=10), Policy()))
    assert int(str(drawn)) < int(str(top))


def test_late_labels_are_learnt_from_too() -> None:
    """With labels of the unchecked after a day, the last model knows more than with none of them."""
    sizes = []
    for delay in (1, NEVER):
        seen: list[int] = []

        def fit(table: Table, rng: np.random.Generator, seen: list[int] = seen) -> Thinned:
            seen.append(len(table))
            return Thinned(ExtraTrees(trees=5), 20_000).fit(table, rng)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stream, "_fit", fit)
            Stream(Policy(), delay, DAYS).rows("2018-04-01")
        sizes.append(seen)
    assert sizes[0][0] == sizes[1][0] == 7 * 2 * CARDS
    assert sizes[1][1] <= sizes[1][0] + 20  # two payments of ten cards
    assert sizes[0][2] > sizes[1][2] + CARDS


def test_a_policy_takes_a_card_once() -> None:
    rows = Rows(np.random.default_rng(0).random((200, 2)))
    table = unlabelled(rows, numeric_table(d=2).schema)
    p = np.linspace(0.01, 0.99, 200)
    pool = Pool(Table(**(vars(table) | {"unit": np.arange(200) // 4})), np.column_stack([1 - p, p]))
    other = np.where(np.arange(200) // 4 < 3, 1 - p, p)  # a second kind knows better about three cards
    pool = replace(pool, teacher=np.column_stack([1 - other, other]))
    chosen = Policy(disagreement=3, spread=2, audit=2).cards(pool, np.random.default_rng(0))
    assert len(np.unique(chosen // 4)) == 10
    assert (p[chosen[:3]] > 0.9).all()
    assert set(chosen[3:6] // 4) == {0, 1, 2}
    assert (p[chosen[6:8]] > 0.4).all()


def test_the_command_ends_with_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(labels, "Stream", lambda policy, delay: Stream(policy, delay, DAYS))
    short = {TOP: Policy(), stream.ASKED: Policy(disagreement=2, audit=1)}
    monkeypatch.setattr(labels, "POLICIES", short)
    labels.main(stream="2018-04-01", out=tmp_path / "out", jobs=1)
    last = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert last.keys() >= {"frauds_asked", "frauds_top", "ap_asked", "ap_top"}
    assert last["frauds_top"] > 0
    assert (tmp_path / "out" / "stream-2018-04-01.png").is_file()
    assert len(POLICIES) >= 3
