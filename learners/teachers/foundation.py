"""Tabular foundation models of other packages, which read the real rows as context; needs the extra ``foundation``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from learners.common.boosting import OnlyAnswer, category_codes, n_categories
from learners.common.column_offsets import ColumnOffsets
from learners.common.extras import needs_extra
from learners.common.soft_labels import with_all_classes
from loop.data.thinning import thinned, undo_thinning
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.seeds import integer
from loop.support.setting_checks import check_bounds
from loop.types import Table

FEWEST_ROWS, MOST_CLASSES = 100, 100  # so every class has rows in the context


@dataclass(frozen=True)
class _Package:
    """A package with a classifier that takes ``model_path``, ``n_estimators`` and ``random_state``."""

    home: str  # package:Class
    arguments: Mapping[str, Any]
    downloads: bool = False  # whether it downloads weights that are not on disk, whatever it is told


PACKAGES: Mapping[str, _Package] = {  # all that may be imported: a configuration names one of these, no path
    "tabicl": _Package("tabicl:TabICLClassifier", {"allow_auto_download": False}),
    # Its own limits are of one version of its weights, and 1,000 rows where there is no GPU: ours are settings.
    "tabpfn": _Package("tabpfn:TabPFNClassifier", {"ignore_pretraining_limits": True}, downloads=True),
}


@dataclass(eq=False)
class Foundation:
    """A network trained on many made-up tables, which reads rows with their labels and answers for others at once.

    TabICL (Qu et al. 2025) and TabPFN (Hollmann et al. 2025). Nothing is trained in the fit: it keeps the rows as
    context, at most ``most_rows`` of them, and probabilities are corrected for those left out. The packages take hard
    labels of equal weight only, so this is for members of a teacher, not for the learner to be delivered: it has no
    ``save``, as its weights belong to others. Where there is a GPU the packages use it.

    Parameters
    ----------
    model : {"tabicl", "tabpfn"}
        The package.
    checkpoint : str, optional
        File with its weights. Nothing is downloaded: None = those that TabICL finds in the cache of Hugging Face; for
        TabPFN the file must be given.
    most_rows : int
        Most rows of the context, at least 100; large classes are thinned.
    most_columns, most_classes : int
        Tables with more are refused. The defaults are what TabPFN v2 was made for; others were trained on other sizes.
    estimators : int
        Answers that are averaged, each with columns and classes in another order.
    batch : int
        Rows predicted at once: fewer need less memory and more time, as the context is read for each batch.
    jobs : int
        Threads.

    Raises
    ------
    ConfigError
        If a setting is out of its range, the package is not installed or there is no checkpoint.
    """

    model: Literal["tabicl", "tabpfn"] = "tabicl"
    checkpoint: str | None = None
    most_rows: int = 10_000
    most_columns: int = 500
    most_classes: int = 10
    estimators: int = 8
    batch: int = 2_000
    jobs: int = 1

    sizes_: list[int] = field(init=False, repr=False)  # (d,) categories of each column, 0 = numbers
    offsets_: ColumnOffsets = field(init=False, repr=False)
    kept_: np.ndarray = field(init=False, repr=False)  # (K,) share of each class in the context
    answer_: OnlyAnswer = field(init=False, repr=False)  # before it is corrected for the rows left out
    model_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        least = {"most_rows": FEWEST_ROWS, "most_columns": 1, "most_classes": 2, "estimators": 1, "batch": 1, "jobs": 1}
        check_bounds(self, least=least, most={"most_classes": MOST_CLASSES})
        if self.model not in PACKAGES:
            raise ConfigError(f"model must be one of {', '.join(PACKAGES)}, got {self.model!r}: choose one of these.")
        _classifier(self.model)
        self._weights()

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the rows of weight above zero, or some of them, as context.

        Raises
        ------
        DataError
            If labels are soft, weights differ, or there are too many columns or classes.
        ConfigError
            If the weights of the model are not on disk.
        """
        seed, table = integer(rng), table.take(table.weight > 0)
        self._check(table)
        self.sizes_, self.offsets_ = n_categories(table.schema), ColumnOffsets.of(table)
        context, self.kept_ = thinned(table, self.most_rows, rng)
        self.model_, self.answer_ = None, OnlyAnswer.of(context.X, context.y, context.weight, table.n_classes)
        if self.answer_.shares is None:
            made = _classifier(self.model)(
                model_path=self._weights(),
                n_estimators=self.estimators,
                random_state=seed,
                **PACKAGES[self.model].arguments,
            )
            self.model_ = self._loaded(made, context)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        if (answer := self.answer_.proba(len(rows))) is not None:
            return undo_thinning(answer, self.kept_)
        with _threads(self.jobs):
            answers = [
                self.model_.predict_proba(self._frame(rows.X[at : at + self.batch]))
                for at in range(0, len(rows), self.batch)
            ]
        proba = with_all_classes(np.concatenate(answers), self.model_.classes_, self.answer_.n_classes)
        return undo_thinning(proba, self.kept_)

    def _check(self, table: Table) -> None:
        """Refuse a table that the packages cannot take."""
        who, (n, d) = f"{type(self).__name__}", table.X.shape
        soft = ((table.targets > 0) & (table.targets < 1)).any(axis=1).sum()
        if soft:
            raise DataError(
                f"{who} takes hard labels only, and {soft:,} of {n:,} rows have soft ones: use it as a member of the "
                "teacher, which learns from real rows, not as the learner."
            )
        if not np.allclose(table.weight, table.weight[:1]):
            low, high = table.weight.min(), table.weight.max()
            raise DataError(
                f"{who} takes rows of one weight only, got weights from {low:g} to {high:g}: leave the weights out or "
                "use another learner."
            )
        for what, count, most in (("columns", d, self.most_columns), ("classes", table.n_classes, self.most_classes)):
            if count > most:
                raise DataError(
                    f"{who} takes at most {most} {what}, got {count}: leave some out, or raise most_{what} if the "
                    f"weights of {self.model} were trained on as many."
                )

    def _weights(self) -> str | None:
        """Return the path of the weights; None = the package looks for them on disk."""
        if self.checkpoint is None:
            if PACKAGES[self.model].downloads:
                raise ConfigError(
                    f"checkpoint must be given for {self.model}, which would download weights by itself, got none: "
                    "get them under their licence and give the path of the file."
                )
            return None
        if not Path(self.checkpoint).is_file():
            raise ConfigError(
                f"checkpoint must be a file with weights of {self.model}, and {self.checkpoint!r} is none: "
                "check the path."
            )
        return str(Path(self.checkpoint).resolve())

    def _loaded(self, made: Any, context: Table) -> Any:
        """Fit the package's classifier, which loads its weights."""
        try:
            with _threads(self.jobs):
                return made.fit(self._frame(context.X), context.y)
        except ValueError as error:
            if self.checkpoint is None and "download" in str(error):  # as TabICL says it
                raise ConfigError(
                    f"the weights of {self.model} must be on disk, and none were found: get them with the package, "
                    "or give the path of a file as checkpoint."
                ) from error
            raise

    def _frame(self, X: np.ndarray) -> Any:
        """Return rows (n, d) as the packages take them: a category is declared, missing and unknown ones are NaN."""
        from pandas import Categorical, DataFrame, Index

        columns = {
            str(j): Categorical.from_codes(_or_missing(x, size), Index(range(size))) if size else x
            for j, (x, size) in enumerate(zip(self.offsets_.moved(X).T, self.sizes_, strict=True))
        }
        return DataFrame(columns)


def _or_missing(x: np.ndarray, size: int) -> np.ndarray:
    """Return whole codes (n,) of a column of ``size`` categories; a missing or unknown one is -1, as pandas has it."""
    codes = category_codes(x, size)
    return np.where(codes == size, -1, codes)


def _classifier(model: str) -> Any:
    """Import the classifier of a package."""
    module, _, public = PACKAGES[model].home.partition(":")
    with needs_extra(f"Foundation({model!r})", "foundation"):
        return getattr(import_module(module), public)


def _threads(number: int) -> Any:
    from loop.support.parallel.torch_threads import threads  # loads torch

    return threads(number)


_learner: type[Learner] = Foundation
