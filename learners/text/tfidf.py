"""Words and letters counted, rare ones weighing more, with logistic regression: the usual first model of texts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from learners.common.persistence import columns_misfit, read_record, unfitted, write_settings
from learners.text.arrays import Beside, texts_of
from learners.text.columns import ColumnFeatures
from learners.text.softmax import Softmax
from learners.text.terms import Analyzer, Terms
from loop.encoders import array_of
from loop.errors import DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.support import record_checks as checks
from loop.support.atomic import write_json
from loop.support.model_files.arrays import Form, read_npz
from loop.support.setting_checks import check_bounds
from loop.types import Schema, Table

ARRAYS, TERMS = "tfidf.npz", "terms.json"
LEARNT = {"array": checks.text, "n_classes": checks.integer(2), "columns": checks.count}
_TERMS = checks.fields(dict.fromkeys(("word", "char_wb"), checks.listed(checks.text)), known_only=True)


@dataclass(eq=False)
class Tfidf:
    """Logistic regression on tf-idf of words and of letters within words (Salton, Buckley 1988), the latter optional.

    Parameters
    ----------
    C : float
        Inverse strength of the L2 penalty, > 0.
    words : int
        Words in a row that make a term, at most: 1 to 5.
    letters : int
        Letters in a row, at most: 0 to 8; 0 = none are counted.
    fewest : int
        Texts that must hold a term.
    most_terms : int
        Terms of words, and as many of letters.
    columns : {"none", "others", "all"}
        Columns of the table that are read beside the texts: none, those that are not made of arrays, or all.
    balanced : bool
        Whether each class has the same total weight.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    reads: ClassVar[str] = "words"

    C: float = 10.0
    words: int = 2
    letters: int = 0
    fewest: int = 1
    most_terms: int = 50_000
    columns: Beside = "none"
    balanced: bool = False

    array_: str = field(init=False, repr=False)
    n_classes_: int = field(init=False, repr=False)
    n_columns_: int = field(init=False, repr=False)
    terms_: tuple[Terms, ...] = field(init=False, repr=False)
    columns_: ColumnFeatures = field(init=False, repr=False)
    model_: Softmax = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_bounds(
            self,
            least={"words": 1, "letters": 0, "fewest": 1, "most_terms": 1},
            most={"words": 5, "letters": 8, "most_terms": 1_000_000},
            positive=["C"],
        )

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Learn terms and coefficients from rows with weight above zero; ``rng`` is not used."""
        self.array_ = array_of(table, self.reads)
        counted = table.take(table.weight > 0)
        texts = texts_of(counted.rows, self.array_)
        self.terms_ = tuple(
            Terms.of(texts, kind, longest, self.fewest, self.most_terms) for kind, longest in self._kinds()
        )
        self.columns_ = ColumnFeatures.of(counted, self.columns)
        self.n_classes_, self.n_columns_ = table.n_classes, table.X.shape[1]
        self.model_ = Softmax.fit(self._features(counted.rows), counted, self.C, self.balanced)
        return self

    def predict_proba(self, rows: Rows) -> np.ndarray:
        """Return probabilities of shape (n, K)."""
        return self.model_.proba(self._features(rows), self.n_classes_)

    def _kinds(self) -> tuple[tuple[Analyzer, int], ...]:
        return (("word", self.words), ("char_wb", self.letters)) if self.letters else (("word", self.words),)

    def _features(self, rows: Rows) -> sparse.csr_array:
        texts = texts_of(rows, self.array_)
        parts = [terms.weighted(texts) for terms in self.terms_]
        return sparse.csr_array(sparse.hstack([*parts, sparse.csr_array(self.columns_.features(rows))]))

    def save(self, folder: Path) -> None:
        """Write settings, terms, rarities and coefficients into a folder, without pickle."""
        write_settings(self, folder, array=self.array_, n_classes=self.n_classes_, columns=self.n_columns_)
        by_kind = {each.analyzer: list(each.terms) for each in self.terms_}
        write_json(folder / TERMS, {"word": [], "char_wb": []} | by_kind)
        rarities = {f"rarity/{each.analyzer}": each.rarity for each in self.terms_}
        np.savez(folder / ARRAYS, allow_pickle=False, **rarities, **self.columns_.arrays(), **self.model_.arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written, each array checked."""
        learner, learnt = unfitted(cls, folder, LEARNT)
        learner.array_, learner.n_classes_ = learnt["array"], learnt["n_classes"]
        learner.n_columns_ = learnt["columns"]
        terms = read_record(folder / TERMS, _TERMS)
        try:
            arrays = read_npz(folder / ARRAYS)
            learner.terms_ = tuple(
                _terms(kind, longest, terms[kind], arrays.get(f"rarity/{kind}")) for kind, longest in learner._kinds()
            )
            learner.columns_ = ColumnFeatures.read(arrays, learner.n_columns_)
            width = sum(len(each.terms) for each in learner.terms_) + learner.columns_.width
            learner.model_ = Softmax.read(arrays, width, learner.n_classes_)
        except DataError as error:
            raise DataError(
                f"{folder / ARRAYS} must hold a whole model of texts, and does not ({error}): save the model again."
            ) from error
        return learner

    def misfit(self, schema: Schema) -> str | None:
        """Return how the rows of a schema differ from those that it was fitted on, None if they do not."""
        if self.array_ not in [array.column for array in schema.arrays]:
            return f"texts {self.array_[:40]!r}"
        return columns_misfit(schema, self.n_columns_, self.n_classes_)


def _terms(kind: Analyzer, longest: int, terms: list[str], rarity: np.ndarray | None) -> Terms:
    if terms != sorted(set(terms)):
        raise DataError(f"terms of {kind} must rise")
    if fault := Form("f", (len(terms),), 0, 100).fault(rarity):
        raise DataError(f"rarity/{kind} must {fault}")
    return Terms(kind, longest, tuple(terms), np.asarray(rarity))


_learner: type[Learner] = Tfidf
