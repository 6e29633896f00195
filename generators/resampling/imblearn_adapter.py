"""The over-samplers of imbalanced-learn (SMOTE and its variants) as generators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from generators.common.persistence import load_rows, save_rows
from generators.common.rejection import keep_inside
from generators.resampling.resample import class_stream, proposals, real_rows
from loop import seeds
from loop.data.value_grid import tidy
from loop.errors import ConditionError, ConfigError
from loop.protocols import Generator
from loop.support.setting_checks import check_bounds
from loop.types import NOBODY, Request, Samples, Schema, Table

MOST_CELLS = 10_000_000  # rows times categories, for new rows of one draw and for input rows: about half a gigabyte


@dataclass(eq=False)
class ImblearnAdapter:
    """Uses an imbalanced-learn over-sampler to make rows of one class and keeps those inside the region.

    The sampler chooses its own base rows, so seeds of a region are not used. Parents are known only for samplers that
    report the rows they drew (``sample_indices_``: RandomOverSampler); samplers that interpolate do not, and their
    parents are unknown (-1).
    A request for any class is split by the class frequencies inside the region; classes with too few rows for the
    sampler are left out, and fewer rows are returned. SMOTENC gives a row the most frequent category among its
    neighbours, so rare categories become rarer, and requests for them return fewer rows too.

    The sampler's input is complete and on one scale: missing values are replaced by the median or the most frequent
    value, ordered columns are divided by about their standard deviation. So new rows hold no missing values, except in
    columns that hold nothing else. Results are scaled back and rounded to what the column can hold.

    Parameters
    ----------
    sampler : str or object
        A class name of ``imblearn.over_sampling`` or a sampler object (it is cloned). With categorical or boolean
        columns the name "SMOTE" means SMOTENC, or SMOTEN if there are no others.
    settings : mapping of str to object
        Parameters of the sampler. Numbers of neighbours are lowered to what the class allows: one less than its rows.
    tries, batch : int
        Maximum number of draws for each requested row, and of rows drawn at once.
    reference : int
        Maximum number of rows of a class that the sampler uses, chosen at random for each draw: bounds its search. It
        is lower where columns have more than a thousand categories in all, as these are one-hot encoded.

    Raises
    ------
    ConfigError
        If there is no such sampler or setting, the object is not an over-sampler, or a bound is too low.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique. JAIR 16, 2002.
    """

    sampler: Any = "SMOTE"
    settings: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 20
    batch: int = 10_000
    reference: int = 10_000

    table_: Table = field(init=False, repr=False)  # the real rows
    X_: np.ndarray = field(init=False, repr=False)  # (m, d) the same rows, complete and on one scale
    scale_: np.ndarray = field(init=False, repr=False)  # (d,)
    sampler_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(self, least={"tries": 1, "batch": 1, "reference": 2})

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Prepare the real rows; the sampler itself is fitted at each draw."""
        self.table_ = real_rows(table)
        filled = _filled(self.table_)
        self.scale_ = _scale(filled, table.schema)
        self.X_ = filled / self.scale_
        self.sampler_ = _build(self.sampler, self.settings, table.schema)
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Draw until ``request.n`` rows lie inside the region or the tries are used up.

        Raises
        ------
        ConditionError
            If the class has too few rows for the sampler, or the sampler fails.
        """
        if request.label is not None:
            return self._of_class(request.label, request, rng)
        shares = rng.multinomial(request.n, self._frequencies(request))
        rows, tried = proposals(self.X_[:0], self.table_.y[:0], self.table_.y[:0], self.table_.schema), 0
        for label in np.flatnonzero(shares).tolist():
            if self._count(label) >= self._fewest():
                part = self._of_class(label, Request(request.region, label, int(shares[label])), rng)
                rows, tried = Table.concat([rows, part.table]), tried + part.tried
        return Samples(rows, request, tried, "rejection" if request.region.rule else "seeds")

    def _frequencies(self, request: Request) -> np.ndarray:  # (K,)
        """Return class frequencies inside the region, or in the whole table if no real row is inside."""
        inside = request.region.contains(self.table_.rows)
        counts = np.bincount(self.table_.y[inside] if inside.any() else self.table_.y, minlength=self.table_.n_classes)
        frequencies: np.ndarray = counts / counts.sum()
        return frequencies

    def _of_class(self, label: int, request: Request, rng: np.random.Generator) -> Samples:
        """Draw rows for a request for one class."""
        # An integer seed gives every class the same draws (imbalanced-learn 0.14), so each class has its own stream.
        draws = class_stream(rng, label)
        batch = min(self.batch, self._most_rows)
        return keep_inside(lambda wish: self._draw(label, wish, draws), request, self.tries, batch, draws)

    def _draw(self, label: int, request: Request, rng: np.random.Generator) -> Samples:
        """Draw rows of one class from anywhere."""
        self._check_count(label)
        seen = self._seen(label, rng)
        X_old, y_old = self.X_[seen], self.table_.y[seen]
        asked = max(request.n, self._least_asked(label) if request.n else 0)
        strategy = {label: self._count(label) + asked}
        sampler = _clone(self.sampler_).set_params(
            sampling_strategy=strategy, random_state=seeds.integer(rng), **self._neighbours(label, len(seen))
        )
        try:
            X, labels = sampler.fit_resample(X_old, y_old)
        except (ValueError, RuntimeError) as error:
            # Both from fit_resample. RuntimeError: ADASYN and KMeansSMOTE, if they find no place for rows.
            raise ConditionError(
                f"{self._name} must be able to make rows of class {self._class(label)!r}, but it failed ({error}): "
                "use the sampler SMOTE or RandomOverSampler, or the generator resample."
            ) from error
        self._check_appended(X, labels, X_old, y_old)
        new = self._restored(X[len(seen) :])
        y_new = np.full(len(new), label, dtype=np.int64)
        rows = proposals(new, y_new, self._parents(sampler, seen, len(new)), self.table_.schema)
        return Samples(rows, request, len(new), "seeds")

    def _parents(self, sampler: Any, seen: np.ndarray, n: int) -> np.ndarray:
        """Return row numbers (n,) of the rows that a fitted sampler has copied, -1 if it does not report them."""
        drawn = getattr(sampler, "sample_indices_", None)
        return np.full(n, NOBODY) if drawn is None else self.table_.row_number[seen[drawn[len(seen) :]]]

    def _restored(self, X: np.ndarray) -> np.ndarray:
        """Undo the scale of new rows (n, d) and bring them to what their columns can hold."""
        X, schema = np.asarray(X, dtype=np.float64) * self.scale_, self.table_.schema
        discrete = schema.discrete
        for number, column in enumerate(schema.columns):
            if discrete[number] and not np.isin(X[:, number], self.X_[:, number]).all():
                raise ConditionError(
                    f"an over-sampler must keep categories whole, {self._name} averaged those of column "
                    f"{column.name!r}: use the sampler SMOTE (which becomes SMOTENC) or RandomOverSampler."
                )
        X[:, np.isnan(self.table_.X).all(axis=0)] = np.nan
        return tidy(X, schema)  # some samplers extrapolate

    def _seen(self, label: int, rng: np.random.Generator) -> np.ndarray:
        """Return the positions (m,) of the sampler's input rows: all of the other classes, a limited number of this."""
        of_class, others = (np.flatnonzero(mask) for mask in (self.table_.y == label, self.table_.y != label))
        if len(of_class) > self._count(label):
            of_class = rng.choice(of_class, self._count(label), replace=False)
        return np.sort(np.concatenate([of_class, others]))

    def _count(self, label: int) -> int:
        """Return the number of rows of a class that the sampler uses."""
        return min(int((self.table_.y == label).sum()), self.reference, self._most_rows)

    @property
    def _most_rows(self) -> int:
        """Maximum number of rows that may be one-hot encoded at once, as SMOTENC does (imbalanced-learn 0.14)."""
        wide = sum(len(column.categories) for column in self.table_.schema.columns)
        return max(2, MOST_CELLS // max(wide, 1))

    def _neighbours(self, label: int, seen: int) -> dict[str, int]:
        """Lower the sampler's numbers of neighbours to what the class (``m_neighbors``: the whole input) allows."""
        most = {"k_neighbors": self._count(label) - 1, "n_neighbors": self._count(label) - 1}
        most["m_neighbors"] = seen - 1
        given = self.sampler_.get_params(deep=False)
        return {name: min(given[name], most[name]) for name in most if isinstance(given.get(name), int)}

    def _fewest(self) -> int:
        """Return the minimum number of rows of a class that the sampler needs."""
        return 2 if {"k_neighbors", "n_neighbors"} & set(self.sampler_.get_params(deep=False)) else 1

    def _least_asked(self, label: int) -> int:
        """Return how many rows to request at least: ADASYN rounds each row's share, and raises if all become zero."""
        return self._count(label) if "n_neighbors" in self.sampler_.get_params(deep=False) else 0

    def _check_count(self, label: int) -> None:
        if self._count(label) < self._fewest():
            raise ConditionError(
                f"{self._name} needs at least {self._fewest()} rows of a class, class {self._class(label)!r} has "
                f"{self._count(label)}: ask for another class or use the generator resample."
            )

    def _check_appended(self, X: np.ndarray, y: np.ndarray, X_old: np.ndarray, y_old: np.ndarray) -> None:
        """Raise ConfigError unless the old rows come first, unchanged: new rows are recognised by their position."""
        old = len(X_old)
        if not (np.array_equal(X[:old], X_old) and np.array_equal(y[:old], y_old)):
            raise ConfigError(
                f"an over-sampler must append its rows to the ones given, {self._name} changed those: "
                "use a sampler of imblearn.over_sampling."
            )

    @property
    def _name(self) -> str:
        return type(self.sampler_).__name__

    def _class(self, label: int) -> object:
        classes = self.table_.schema.classes
        return classes[label] if label < len(classes) else label

    def save(self, folder: Path) -> None:
        """Write settings and real rows into a folder."""
        save_rows(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        return load_rows(cls, folder)


def _build(sampler: Any, settings: Mapping[str, Any], schema: Schema) -> Any:
    """Turn a name or an object into an unfitted sampler with the settings."""
    made = _named(sampler, schema) if isinstance(sampler, str) else sampler
    if not hasattr(made, "get_params") or not {"sampling_strategy", "random_state"} <= set(made.get_params()):
        raise ConfigError(
            f"sampler must be an over-sampler of imbalanced-learn or its name, got {sampler!r}: write 'SMOTE'."
        )
    try:
        return _clone(made).set_params(**settings)
    except ValueError as error:
        raise ConfigError(f"settings must be parameters of {type(made).__name__}: {error}") from error


def _named(name: str, schema: Schema) -> Any:
    """Make a sampler of imbalanced-learn, of the kind that the columns need."""
    from imblearn import over_sampling

    if name not in over_sampling.__all__:
        allowed = ", ".join(sorted(over_sampling.__all__))
        raise ConfigError(f"sampler must be an over-sampler of imbalanced-learn, got {name!r}: use one of {allowed}.")
    if name == "SMOTE" and schema.discrete.any():
        name = "SMOTEN" if schema.discrete.all() else "SMOTENC"
    fixed = {"categorical_features": np.flatnonzero(schema.discrete).tolist()} if name == "SMOTENC" else {}
    return getattr(over_sampling, name)(**fixed)


def _clone(sampler: Any) -> Any:
    from sklearn.base import clone

    return clone(sampler)


def _filled(table: Table) -> np.ndarray:
    """Replace missing values by the most frequent value of discrete columns and the median of others, shape (n, d)."""
    X = table.X.copy()
    for number, discrete in enumerate(table.schema.discrete):
        missing = np.isnan(X[:, number])
        seen = X[~missing, number]
        if not len(seen):
            X[:, number] = 0
        elif missing.any():
            values, counts = np.unique(seen, return_counts=True)
            X[missing, number] = values[counts.argmax()] if discrete else np.median(seen)
    return X


def _scale(X: np.ndarray, schema: Schema) -> np.ndarray:
    """Return divisors (d,) that put columns on one scale: 1 for discrete columns, else about the standard deviation.

    Powers of two, so that dividing and multiplying back is exact and a copied row stays a copy.
    """
    ordered = ~schema.discrete & (np.ptp(X, axis=0) > 0)
    scale: np.ndarray = np.exp2(np.round(np.log2(X.std(axis=0), out=np.zeros(X.shape[1]), where=ordered)))
    return scale


_: type[Generator] = ImblearnAdapter
