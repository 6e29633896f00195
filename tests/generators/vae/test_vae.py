"""The autoencoder obeys the laws of generators; then what is special to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from generators import Gan
from generators.common import torch_training
from generators.vae.vae import Vae
from loop.errors import ConditionError, ConfigError
from loop.support.progress import listening
from loop.testing.tables import mixed_table, numeric_table, planted_table
from loop.types import Region, Request, Table


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def loss(generator: Vae, table: Table) -> float:
    vectors = torch_training.tensor(generator.modes_.encode(table.X, table.y, rng()), torch.device("cpu"))
    with torch.no_grad():
        return float(generator.net_(vectors, generator.beta, torch_training.torch_stream(rng(), torch.device("cpu"))))


def test_a_warm_start_reaches_the_loss_in_a_fifth_of_the_steps():
    table = mixed_table(1500)
    fifth = loss(Vae(epochs=8).fit(table, rng()), table)
    generator = Vae(epochs=40, warm_start=True).fit(table, rng())
    full = loss(generator, table)
    again = loss(generator.fit(table, rng(1)), table)  # as many steps as the first one
    assert again <= full + 0.1
    assert full < fifth - 1


def test_a_warm_start_begins_anew_where_the_encoding_does_not_fit():
    generator = Vae(epochs=2, warm_start=True).fit(mixed_table(), rng())
    made = generator.fit(numeric_table(), rng()).sample(Request(Region(), None, 20), rng()).table
    assert made.X.shape == (20, 5)


@pytest.mark.parametrize("kind", [Vae, Gan])
def test_a_warm_start_may_leave_the_old_range(kind):
    """The mixture reaches beyond the values seen, so some of the new ones are held; far ones begin anew."""
    table = numeric_table(600)
    generator = kind(steps=40, warm_start=True).fit(table, rng())
    old = generator.modes_.columns
    for shift, warm in ((0.3, True), (30.0, False)):
        X = table.X.copy()
        X[X[:, 0] > 1, 0] += shift
        columns = (replace(table.schema.columns[0], high=X[:, 0].max()), *table.schema.columns[1:])
        moved = Table.real(X, table.y, replace(table.schema, columns=columns))
        generator.fit(moved, rng())
        assert generator.modes_.schema is moved.schema
        assert (generator.modes_.columns is old) == warm
        made = generator.sample(Request(Region(), None, 2000), rng()).table
        assert made.schema is moved.schema
        assert made.X[:, 0].max() > table.X[:, 0].max()


def test_rows_held_out_stop_training_where_the_net_learns_by_heart():
    table, taken = numeric_table(200, d=40), {}
    for share in (0.0, 0.2):
        steps: list[int] = []
        with listening(lambda step, total, steps=steps: steps.append(step)):
            Vae(held_out=share, steps=1200, rate=5e-3).fit(table, rng())
        taken[share] = max(steps)
    assert taken[0.2] < taken[0.0] / 2


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_held_out_must_leave_rows(share):
    with pytest.raises(ConfigError, match="held_out must be"):
        Vae(held_out=share)


def test_rows_fit_their_labels():
    table = numeric_table(1000)
    generator = Vae(hidden=64, epochs=40).fit(table, rng())
    gap = []
    for label in (0, 1):
        made = generator.sample(Request(Region(), label, 1000), rng()).table
        gap.append(made.X[:, :2].sum(axis=1).mean())
    real = [table.X[table.y == label, :2].sum(axis=1).mean() for label in (0, 1)]
    np.testing.assert_allclose(gap, real, atol=0.3)


def test_correlations_are_kept():
    X = rng().normal(size=(2000, 5))
    X[:, 1] = X[:, 0] + 0.3 * X[:, 1]
    table = numeric_table(2000)
    generator = Vae().fit(Table.real(X, table.y, table.schema), rng())
    made = generator.sample(Request(Region(), None, 2000), rng()).table
    assert np.corrcoef(made.X[:, 0], made.X[:, 1])[0, 1] > 0.75
    assert abs(np.corrcoef(made.X[:, 2], made.X[:, 3])[0, 1]) < 0.15


def test_a_rare_corner_is_filled():
    table, corner = planted_table(1000)
    samples = Vae(hidden=64, epochs=30).fit(table, rng()).sample(Request(corner, 1, 200), rng())
    assert len(samples.table) == 200
    assert corner.contains(samples.table.rows).all()
    assert samples.sampling_method in ("rejection", "importance")
    assert len(np.unique(samples.table.X, axis=0)) > 100


def test_a_label_of_no_real_row_is_refused():
    generator = Vae(epochs=1).fit(numeric_table(), rng())
    with pytest.raises(ConditionError, match=r"7 does not: ask for one of \[0, 1\]"):
        generator.sample(Request(Region(), 7, 5), rng())
