"""A differentially private generator: a tree of noisy marginals, which conditions exactly on any region."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from generators.common.persistence import unfitted, write_settings
from generators.private.accounting import Ledger
from generators.private.cells import joined
from generators.private.columns import BinnedColumn
from generators.private.contributions import bounded
from generators.private.measuring import Measured, measured
from generators.private.noise import AUTO, OPENDP, OWN, Noise, check_sampler, sampler_of
from generators.private.saved_tree import LEARNT, read_tree, write_tree
from generators.private.tree_model import TreeModel
from generators.resampling.resample import class_stream, proposals, real_rows
from loop.data.value_grid import pulled_inside, tidy
from loop.errors import ConfigError
from loop.protocols import Generator, Private
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Schema, Table

MOST_EPSILON, LEAST_DELTA, MOST_DELTA = 1000.0, 1e-15, 0.01  # beyond an epsilon of 20 nobody is protected
MOST_ROWS_OF_GROUP = 10_000


@dataclass(eq=False)
class PrivateTree:
    """Draws rows from a tree of noisy marginals, all that a fit keeps: (epsilon, delta)-differentially private.

    Protected is whether a row was there at all or, with groups, all rows of a group, of which so many at most count.
    The ranges, categories and kinds of the schema must be stated by the user, not inferred from the rows. An infinite
    range is bought with a part of the budget, as are the categories of columns in ``bought_categories``. Noise comes
    from the system's entropy, never from ``rng``: a fit cannot be repeated. Sampling, on any region, is free of further
    budget, and repeatable.

    Parameters
    ----------
    epsilon : float
        How much the presence of a person may change what is said of the rows, by a factor of exp(epsilon); above 0.
    delta : float
        Chance that this does not hold: well below one by the number of rows.
    most_rows_per_group : int, optional
        Rows of a group (`Table.unit`) that count; the others are left out at random. None = a row is protected.
    bought_categories : tuple of str
        Columns whose categories come from the rows; half of delta is for them.
    most_bins : int
        Bins of a column; fewer where noise would hide what more could show.
    sampler : str
        Who draws the noise of counts: "opendp" (``pip install 'weakspot[privacy]'``), "own", or "auto" for the first
        where it is installed and the second elsewhere.

    Raises
    ------
    ConfigError
        If a setting is out of range.

    References
    ----------
    Friedman, Geiger, Goldszmidt (1997), Bayesian network classifiers (the tree). McKenna, Miklau, Sheldon (2021),
    Winning the NIST contest (noisy marginals and edges). Bun, Steinke (2016), Concentrated differential privacy.

    Examples
    --------
    >>> generator = PrivateTree(epsilon=1.0).fit(table, rng)  # doctest: +SKIP
    >>> generator.privacy()  # doctest: +SKIP
    '(1, 1e-06)-differentially private for tables that differ by one row: rho 0.0244 spent, noise of counts drawn by..'
    """

    epsilon: float = 1.0
    delta: float = 1e-6
    most_rows_per_group: int | None = None
    bought_categories: tuple[str, ...] = ()
    most_bins: int = 32
    sampler: str = AUTO

    measured_: Measured = field(init=False, repr=False)
    spent_: list[tuple[str, float, float]] = field(init=False, repr=False)  # purpose, rho, delta
    sampler_: str = field(init=False, repr=False)  # who drew the noise of counts

    def __post_init__(self) -> None:
        self.bought_categories = tuple(self.bought_categories)
        check_bounds(
            self,
            least={"most_bins": 2, "epsilon": 0},
            most={"epsilon": MOST_EPSILON, "most_bins": 256},
            positive=["epsilon"],
        )
        if not LEAST_DELTA <= self.delta <= MOST_DELTA:
            raise ConfigError(
                f"delta must lie between {LEAST_DELTA:g} and {MOST_DELTA:g}, got {self.delta}: "
                "take one well below one by the number of rows."
            )
        check_sampler(self.sampler)
        most = self.most_rows_per_group
        if most is not None and not 1 <= most <= MOST_ROWS_OF_GROUP:
            raise ConfigError(
                f"most_rows_per_group must be between 1 and {MOST_ROWS_OF_GROUP:,}, got {most}: choose another number."
            )

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Measure the real rows with noise; weights do not count, and ``rng`` is not used.

        Raises
        ------
        ConfigError
            If rows have groups and ``most_rows_per_group`` is None, or the other way round, or if a column whose
            categories are to be bought is not there.
        DataError
            If there are no real rows.
        """
        real = real_rows(table)
        self._check(real)
        ledger = Ledger(self.epsilon, self.delta, self.delta / 2 if self.bought_categories else 0.0)
        self.sampler_ = sampler_of(self.sampler)
        noise = Noise(ledger, self.most_rows_per_group or 1, self.sampler_)
        if self.most_rows_per_group and real.unit is not None:
            real = real.take(bounded(real.unit, self.most_rows_per_group))
        self.measured_ = measured(real.X, real.y, real.schema, self.bought_categories, noise, self.most_bins)
        self.spent_ = ledger.entries
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw ``request.n`` rows, exactly from the model inside the region; none if the schema allows none there."""
        rng, (schema, columns, model) = class_stream(rng, request.label), self._parts()
        rule = [joined(c for c in request.region.rule if c.column == at) for at in range(len(columns))]
        shares = [column.shares(inside) for column, inside in zip(columns, rule, strict=True)]
        bins, y = model.draw(request.n, shares, request.label, rng)
        drawn = [
            column.draw(of_column, inside, rng) for column, of_column, inside in zip(columns, bins.T, rule, strict=True)
        ]
        X = np.column_stack(drawn) if drawn else np.empty((len(y), 0))
        X = pulled_inside(tidy(X, schema), request.region.rule, schema)
        made = proposals(X, y, np.full(len(y), -1), schema)
        made = made.take(request.region.contains(made.rows))
        return Samples(made, request, len(y), "native")

    @property
    def schema_(self) -> Schema:
        """Return the schema of the rows that it makes: as stated, with what was bought."""
        return self.measured_.schema

    def privacy(self) -> str:
        """Tell what is promised, for whom, what was spent, and who drew the noise."""
        most = self.most_rows_per_group
        whom = "one row" if most is None else f"all rows of one group, of which at most {most} count"
        rho, delta = math.fsum(rho for _, rho, _ in self.spent_), self.delta
        promise = f"({self.epsilon:g}, {delta:g})-differentially private"
        drawn = {OWN: "weakspot's own sampler", OPENDP: "opendp"}[self.sampler_]
        return f"{promise} for tables that differ by {whom}: rho {rho:.4g} spent, noise of counts drawn by {drawn}"

    def save(self, folder: Path) -> None:
        """Write settings, schema and what was spent as JSON, noisy marginals as one npz; no row is in it."""
        write_settings(self, folder, self.schema_, spent=[list(entry) for entry in self.spent_], sampler=self.sampler_)
        write_tree(folder, self.measured_.columns, self.measured_.model)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` has written."""
        generator, learnt, schema = unfitted(cls, folder, LEARNT)
        generator.spent_ = [(str(purpose), float(rho), float(delta)) for purpose, rho, delta in learnt["spent"]]
        generator.sampler_ = str(learnt["sampler"])
        generator.measured_ = Measured(schema, *read_tree(folder, schema))
        return generator

    def _parts(self) -> tuple[Schema, tuple[BinnedColumn, ...], TreeModel]:
        return self.measured_.schema, self.measured_.columns, self.measured_.model

    def _check(self, real: Table) -> None:
        if (real.unit is None) != (self.most_rows_per_group is None):
            has = "no groups" if real.unit is None else "groups"
            raise ConfigError(
                f"most_rows_per_group must be stated where rows have groups, and only there; these rows have {has}, "
                f"and it is {self.most_rows_per_group}: {'leave it out' if real.unit is None else 'state it'}."
            )
        known = {column.name for column in real.schema.columns if column.kind == "categorical"}
        if unknown := sorted(set(self.bought_categories) - known):
            raise ConfigError(
                f"bought_categories must be columns of categories, got {unknown[0][:80]!r}: correct the name."
            )


_: type[Generator] = PrivateTree
__: type[Private] = PrivateTree
