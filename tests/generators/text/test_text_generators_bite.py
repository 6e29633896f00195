"""Deliberately bad generators of texts, each of which must fail its law."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from texts import text_table

from generators.resampling.resample import proposals
from generators.text.markov import Markov
from loop.rows import Rows
from loop.testing.arrays import (
    GENERATOR_LAWS,
    only_real_rows_teach,
    rows_agree_with_their_arrays,
    rows_have_the_label_asked_for,
    rows_lie_in_the_region,
    the_seed_decides,
    the_table_is_left_alone,
)
from loop.types import Region, Request, Samples, Table

TABLE = text_table()


class Bad(Markov):
    """A generator to be spoilt."""


class OtherTexts(Bad):
    """Changes texts after their columns were made."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        made = super().sample(request, rng)
        texts = np.array([f"{text} and more" for text in made.table.rows.arrays["note"].tolist()], dtype=np.str_)
        return replace(made, table=replace(made.table, rows=Rows(made.table.X, {"note": texts})))


class Anywhere(Bad):
    """Writes texts anywhere."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        return replace(super().sample(replace(request, region=Region()), rng), request=request)


class AnyClass(Bad):
    """Writes texts of any class."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        return super().sample(replace(request, label=None), rng)


class OwnSeed(Bad):
    """Draws from the system's entropy."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        return super().sample(request, np.random.default_rng())


class HandsOut(Bad):
    """Hands out the very texts that it was fitted on."""

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        table, n = self.table_, request.n
        rows = Rows(table.X[:n], {name: array[:n] for name, array in table.rows.arrays.items()})
        return Samples(proposals(rows, table.y[:n], table.row_number[:n], table.schema), request, n)


class TakesAll(Bad):
    """Learns from made rows as from real ones."""

    def fit(self, table: Table, rng: np.random.Generator) -> "TakesAll":
        return super().fit(replace(table, generation=np.zeros(len(table), dtype=np.int64)), rng)


BAD: tuple[tuple[type[Markov], Callable[..., None]], ...] = (
    (OtherTexts, rows_agree_with_their_arrays),
    (Anywhere, rows_lie_in_the_region),
    (AnyClass, rows_have_the_label_asked_for),
    (OwnSeed, the_seed_decides),
    (HandsOut, the_table_is_left_alone),
    (TakesAll, only_real_rows_teach),
)


@pytest.mark.parametrize(("kind", "law"), BAD, ids=lambda each: each.__name__)
def test_the_law_bites(kind: type[Markov], law: Callable[..., None]) -> None:
    assert law in GENERATOR_LAWS
    law(Markov, TABLE)
    with pytest.raises(AssertionError):
        law(kind, TABLE)
