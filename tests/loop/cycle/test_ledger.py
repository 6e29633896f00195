"""New rows of several generations in one table: nothing is lost, and every row still names its own origin."""

import numpy as np

from loop.cycle.ledger import Ledger
from loop.frames import synthetic_frame
from loop.testing.trackers import SCHEMA, generation

HISTORY = [generation(1, n=12), generation(2, kept=False, n=7), generation(3, n=0), generation(4, n=5)]


def test_every_row_keeps_its_values_and_its_origin() -> None:
    ledger = Ledger.of(HISTORY, HISTORY[0].rows)
    assert len(ledger) == 24
    rows = iter(range(len(ledger)))
    for made in HISTORY:
        for row in range(len(made.rows)):
            at = next(rows)
            np.testing.assert_array_equal(ledger.rows.X[at], made.rows.X[row])
            assert ledger.origins[ledger.rows.supply[at]] is made.origins[made.rows.supply[row]]
            assert (ledger.rows.generation[at], ledger.kept[at]) == (made.index, made.decision.kept)


def test_nothing_is_a_table_of_no_rows() -> None:
    ledger = Ledger.of([], HISTORY[0].rows)
    assert (len(ledger), ledger.origins) == (0, ())
    assert ledger.rows.X.shape == (0, len(SCHEMA.columns))
    assert ledger.rows.y.dtype == np.int64


def test_the_frame_of_many_is_the_frames_of_each() -> None:
    frame = synthetic_frame(HISTORY)
    for made in HISTORY:
        own = frame[frame["ws_generation"] == made.index].reset_index(drop=True)
        if len(made.rows):
            assert own.equals(synthetic_frame([made]))
    assert len(synthetic_frame([])) == 0
