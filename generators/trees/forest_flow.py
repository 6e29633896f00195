"""Flow matching with boosted trees: XGBoost learns the velocity that carries noise to rows, class by class."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

import numpy as np
from scipy.special import ndtr

from generators.common.latent_search import samples_from_latents
from generators.common.marginals import Marginal, check_correlation
from generators.common.persistence import FILE, ROWS, read_table, unfitted, write_settings, write_table
from generators.common.saved_rows import arrays_of, damaged, part_of
from generators.resampling.resample import class_stream, proposals, real_rows, starting_rows
from generators.trees.forest_flow_trees import FlowTrees
from loop.data.value_grid import tidy
from loop.errors import DataError
from loop.protocols import Generator
from loop.rows import Rows
from loop.seeds import root, stream
from loop.support.model_files.arrays import Form, checked
from loop.support.progress import tell
from loop.support.record_checks import count, listed
from loop.support.setting_checks import check_bounds
from loop.types import Request, Samples, Schema, Table

SCORES = "scores.npz"
LEAST = {"levels": 1, "copies": 1, "most_noisy_rows": 1, "trees": 1, "depth": 1, "bins": 2}  # minimum of a setting
LEAST |= {"smallest_leaf": 0, "tries": 1, "most_draws": 1, "jobs": 1}


@dataclass(eq=False)
class ForestFlow:
    """Carries standard normal noise to rows in small steps; trees learn the direction of each step.

    Every column is first mapped to a standard normal score, by the class's own marginal. So spikes, categories and
    missing values keep their exact shares (a missing value is an atom of the marginal and needs no mask), and the flow
    only has to learn how columns depend on each other. At each noise level the part of the velocity that follows from
    the correlations is computed in closed form; the trees learn the rest. On tables of more than 32 columns each tree
    uses one group of columns, drawn again for each level, so cost grows linearly with the columns.

    For a region, its real rows are mixed with noise and carried back (SDEdit). Rows that leave the region are tried
    again, each time with less noise. A region without real rows is reached by a search over the noise itself.

    Parameters
    ----------
    levels : int
        Noise levels, each with its own trees; also the number of Euler steps in sampling.
    copies : int
        Noisy copies of each real row at each level.
    most_noisy_rows : int
        Maximum number of rows a level learns from, for each class: bounds the copies, but every row has at least one.
    trees, depth, bins : int
        Boosting rounds (each grows one tree for every column), depth of a tree, and histogram bins.
    rate, smallest_leaf : float
        Learning rate, and minimum of noisy rows in a leaf.
    seed_noise : float
        Share of noise in the rows of a region at the first try, 1 = nothing of the row is left.
    tries : int
        Maximum number of tries for each row of a region.
    most_draws : int
        Maximum number of draws for each requested row where no real row lies in the region.
    jobs : int
        Threads.

    Raises
    ------
    ConfigError
        If a whole number is below 1 (``bins``: 2), ``smallest_leaf`` is below 0, or ``rate`` or ``seed_noise`` is not
        above 0 and at most 1.

    References
    ----------
    Jolicoeur-Martineau, Fatras, Kachman: Generating and Imputing Tabular Data via Diffusion and Flow-based
    Gradient-Boosted Trees. AISTATS 2024.
    Lipman, Chen, Ben-Hamu, Nickel, Le: Flow Matching for Generative Modeling. ICLR 2023.
    Meng et al.: SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations. ICLR 2022.
    """

    levels: int = 20
    copies: int = 10
    most_noisy_rows: int = 100_000
    trees: int = 10
    depth: int = 6
    rate: float = 0.5
    bins: int = 64
    smallest_leaf: float = 10.0
    seed_noise: float = 0.5
    tries: int = 10
    most_draws: int = 100
    jobs: int = 1

    table_: Table = field(init=False, repr=False)
    flows_: dict[int, Flow] = field(init=False, repr=False)  # by class code; classes without real rows have none

    def __post_init__(self) -> None:
        check_bounds(self, least=LEAST, shares=["rate", "seed_noise"])

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn one flow for each class that has real rows."""
        real, seed = real_rows(table), root(rng)
        discrete, orders = real.schema.discrete.tolist(), _orders(real)
        self.table_, self.flows_ = table, {}
        for label in np.unique(real.y).tolist():
            X = real.X[real.y == label]
            marginals = tuple(
                Marginal.of(x, discrete=is_discrete, order=order)
                for x, is_discrete, order in zip(X.T, discrete, orders, strict=True)
            )
            self.flows_[label] = self._learn(X, marginals, stream(seed, "class", label))
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw rows near the seeds or real rows of the region if there are any, else from noise."""
        rng = class_stream(rng, request.label)
        rows, chance = starting_rows(self.table_, request)
        anywhere = not request.region.rule and request.region.seeds is None
        if len(rows) and not anywhere:
            return self._from_rows(request, rng.choice(rows, size=request.n, p=chance), rng)
        return self._from_noise(request, rng)

    def save(self, folder: Path) -> None:
        """Write settings, real rows, marginals and trees into a folder."""
        write_settings(self, folder, self.table_.schema, classes=list(self.flows_))
        write_table(self.table_, folder / ROWS)
        for label, flow in self.flows_.items():
            flow.save(folder / f"class_{label}")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        made, learnt, schema = unfitted(cls, folder, {"classes": listed(count)})
        made.table_ = read_table(folder / ROWS, schema)
        if learnt["classes"] != np.unique(made.table_.y).tolist():
            raise damaged(folder / FILE, "classes must be those of the rows")
        made.flows_ = {
            label: Flow.load(folder / f"class_{label}", made.jobs, made.levels, schema) for label in learnt["classes"]
        }
        return made

    def _learn(self, X: np.ndarray, marginals: tuple[Marginal, ...], rng: np.random.Generator) -> Flow:
        """Fit the trees of every level to rows X (n, d) of one class."""
        n, d = X.shape
        X = np.tile(X, (max(1, min(self.copies, self.most_noisy_rows // n)), 1))
        scores = _scores(X, marginals, rng)
        # Shrunk as if d further rows had shown no correlation: few rows are no evidence of a strong one.
        correlation = (n * (scores.T @ scores) / len(X) + d * np.eye(d)) / (n + d)
        settings = {"max_depth": self.depth, "eta": self.rate, "max_bin": self.bins}
        settings |= {"min_child_weight": self.smallest_leaf, "nthread": self.jobs}
        trees = []
        for level in range(self.levels):
            time = level / self.levels
            scores, noise = _scores(X, marginals, rng), rng.standard_normal(X.shape)
            mixed = (1 - time) * noise + time * scores
            left = scores - noise - mixed @ linear_velocity(correlation, time)
            trees.append(FlowTrees.fit(mixed, left, rng, rounds=self.trees, settings=settings))
            tell(level + 1, self.levels)
        return Flow(marginals, correlation, tuple(trees))

    def _from_noise(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw from the classes' flows; the first latent chooses the class, by its share if no label is requested."""
        real = self.table_.y[self.table_.is_real]
        labels = np.array([label for label in self.flows_ if request.label in (None, label)], dtype=np.int64)
        below = np.cumsum([np.sum(real == label) for label in labels])

        def decode(latents: np.ndarray, _: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            place = np.searchsorted(below, ndtr(latents[:, 0]) * below[-1], side="right")
            y = labels[place.clip(max=len(labels) - 1)]
            return self._carried(latents[:, 1:], y, 0), y

        columns = self.table_.X.shape[1]
        if not len(labels):
            return Samples(proposals(np.empty((0, columns)), labels, labels, self.table_.schema), request, 0)
        return samples_from_latents(decode, columns + 1, request, self.table_.schema, rng, tries=self.most_draws)

    def _from_rows(self, request: Request, rows: np.ndarray, rng: np.random.Generator) -> Samples:
        """Add noise to real rows (n,) and remove it, up to ``tries`` times until they end inside the region."""
        parents = self.table_.take(rows)
        X, left, tried = parents.X.copy(), np.arange(len(rows)), 0
        first = min(round((1 - self.seed_noise) * self.levels), self.levels - 1)
        for level in np.linspace(first, self.levels - 1, self.tries).round().astype(int).tolist():
            X[left] = self._moved(parents.take(left), level, rng)
            tried += len(left)
            left = left[~request.region.contains(Rows(X[left]))]
        kept = np.delete(np.arange(len(rows)), left)
        made = proposals(X[kept], parents.y[kept], parents.row_number[kept], self.table_.schema)
        return Samples(made, request, tried, "seeds")

    def _moved(self, parents: Table, level: int, rng: np.random.Generator) -> np.ndarray:
        """Mix rows with the noise of a level, and carry them back; return (n, d)."""
        mixed, time = rng.standard_normal(parents.X.shape), level / self.levels
        for label in np.unique(parents.y).tolist():
            mine = parents.y == label
            mixed[mine] = (1 - time) * mixed[mine] + time * _scores(parents.X[mine], self.flows_[label].marginals, rng)
        return self._carried(mixed, parents.y, level)

    def _carried(self, mixed: np.ndarray, y: np.ndarray, level: int) -> np.ndarray:
        """Carry scores (n, d) of given classes from a level to the data; return rows (n, d)."""
        X = np.empty(mixed.shape)
        for label in np.unique(y).tolist():
            X[y == label] = self.flows_[label].values(mixed[y == label], level)
        return tidy(X, self.table_.schema)


@dataclass(frozen=True, eq=False)
class Flow:
    """The flow of one class: marginals between rows and scores, and the velocity of scores at each level.

    Level l of L is time t = l / L on the straight path ``(1 - t) * noise + t * scores``.
    """

    marginals: tuple[Marginal, ...]  # one for each column
    correlation: np.ndarray  # (d, d) of the scores
    trees: tuple[FlowTrees, ...]  # for each level, the part of the velocity that correlations do not explain

    def values(self, mixed: np.ndarray, level: int) -> np.ndarray:
        """Follow the velocity from a level on, and return rows (n, d).

        The trees' part is integrated by Euler steps. The linear part is integrated exactly: along each eigenvector
        scores grow with the spread of the mixture. Euler steps alone would shrink scores by six per cent over twenty
        levels, and with them the shares of rare values.
        """
        levels = len(self.trees)
        variance, axes = np.linalg.eigh(self.correlation)
        times = np.arange(levels + 1)[:, None] / levels
        spread = np.sqrt(times**2 * variance.clip(min=0) + (1 - times) ** 2)  # (levels + 1, d)
        for number in range(level, levels):
            left = self.trees[number].predict(mixed)
            mixed = (mixed @ axes * (spread[number + 1] / spread[number])) @ axes.T + left / levels
        return np.column_stack([marginal.value(z) for marginal, z in zip(self.marginals, mixed.T, strict=True)])

    def save(self, folder: Path) -> None:
        """Write marginals, correlation and groups as arrays, and each level's trees in XGBoost's own format."""
        folder.mkdir(exist_ok=True)
        arrays = {
            f"{column}.{name}": array
            for column, marginal in enumerate(self.marginals)
            for name, array in marginal.arrays().items()
        }
        groups = np.array([trees.group for trees in self.trees])
        np.savez(folder / SCORES, allow_pickle=False, correlation=self.correlation, groups=groups, **arrays)
        for level, trees in enumerate(self.trees):
            trees.save(folder, level)

    @classmethod
    def load(cls, folder: Path, jobs: int, levels: int, schema: Schema) -> Self:
        """Read back what `save` has written, for columns of a schema; each array and tree is checked."""
        path, d = folder / SCORES, len(schema.columns)
        arrays, names = arrays_of(path), [each.name for each in fields(Marginal)]
        forms = {"correlation": Form("f", (d, d), -2, 2), "groups": Form("iu", (levels, d), 0, d - 1)}
        try:
            checked(arrays, forms, more=[f"{column}.{name}" for column in range(d) for name in names])
            marginals = tuple(Marginal.of_arrays(part_of(arrays, f"{column}.")) for column in range(d))
            check_correlation(arrays["correlation"])
            if [each.discrete for each in marginals] != schema.discrete.tolist():
                raise DataError("discrete columns must have codes")
            if any(not np.array_equal(np.unique(group), np.arange(group.max() + 1)) for group in arrays["groups"]):
                raise DataError("groups must be numbered without a gap")
        except DataError as error:
            raise damaged(path, error) from error
        trees = (FlowTrees.load(folder, level, group, jobs) for level, group in enumerate(arrays["groups"]))
        return cls(marginals, arrays["correlation"], tuple(trees))


def _scores(X: np.ndarray, marginals: tuple[Marginal, ...], rng: np.random.Generator) -> np.ndarray:
    """Return normal scores (n, d) of rows X (n, d)."""
    return np.column_stack([marginal.normal(x, rng) for marginal, x in zip(marginals, X.T, strict=True)])


def linear_velocity(correlation: np.ndarray, time: float) -> np.ndarray:
    """Return the matrix (d, d) that maps mixed scores, as rows, to the mean of ``scores - noise`` given them.

    Exact where scores are jointly normal: covariance of velocity and mixture over that of the mixture.
    """
    one = np.eye(len(correlation))
    mixture = time**2 * correlation + (1 - time) ** 2 * one
    velocity: np.ndarray = np.linalg.solve(mixture, time * correlation - (1 - time) * one)
    return velocity


def _orders(table: Table) -> list[np.ndarray | None]:
    """Order the codes of each discrete column by their rate of positives, so that neighbours are similar."""
    positive = table.y == table.schema.positive
    orders: list[np.ndarray | None] = []
    for x, discrete in zip(table.X.T, table.schema.discrete, strict=True):
        seen = ~np.isnan(x)
        codes, place, counts = np.unique(x[seen], return_inverse=True, return_counts=True)
        # As if each code had one more row with the average rate: a code seen once does not go to an end.
        share = (np.bincount(place, positive[seen], len(codes)) + positive.mean()) / (counts + 1)
        orders.append(codes[np.argsort(share, kind="stable")] if discrete else None)
    return orders


_: type[Generator] = ForestFlow
