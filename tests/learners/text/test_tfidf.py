"""Tf-idf: the laws of learners of arrays; what its settings do, and what a damaged file gets."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from texts import text_table

from learners.text.softmax import Softmax
from learners.text.terms import Terms
from learners.text.tfidf import ARRAYS, TERMS, Tfidf
from loop.errors import ConfigError, DataError
from loop.protocols import Learner
from loop.rows import Rows
from loop.testing.arrays import LEARNER_LAWS
from loop.types import Table

TABLE = text_table()
MAKERS: dict[str, Callable[[], Learner]] = {
    "words": Tfidf,
    "letters": lambda: Tfidf(letters=4, fewest=2),
    "with columns": lambda: Tfidf(columns="all"),
    "with other columns": lambda: Tfidf(columns="others", balanced=True),
}
RNG = np.random.default_rng


@pytest.mark.parametrize("law", LEARNER_LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_law(law: Callable[[Callable[[], Learner], Table], None], make: Callable[[], Learner]) -> None:
    law(make, TABLE)


def test_terms_are_weighed_as_stated() -> None:
    terms = Terms.of(["sea sea salt", "salt", "oven"], "word", 1, 1, 10)
    assert terms.terms == ("oven", "salt", "sea")
    np.testing.assert_allclose(terms.rarity, np.log([4 / 2, 4 / 3, 4 / 2]) + 1)
    row = terms.weighted(["sea sea salt"]).toarray()[0]
    wanted = np.array([0, terms.rarity[1], (1 + np.log(2)) * terms.rarity[2]])
    np.testing.assert_allclose(row, wanted / np.linalg.norm(wanted))


def test_terms_agree_with_scikit_learn() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = TABLE.rows.arrays["note"].tolist()
    reference = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b").fit(texts)
    ours = Terms.of(texts, "word", 2, 1, 10**6)
    assert list(ours.terms) == sorted(reference.get_feature_names_out())
    np.testing.assert_allclose(ours.weighted(texts).toarray(), reference.transform(texts).toarray(), atol=1e-12)


def test_the_most_frequent_terms_stay() -> None:
    assert Terms.of(["b a", "b c", "b a"], "word", 1, 2, 10).terms == ("a", "b")
    assert Terms.of(["b a", "b c", "b a"], "word", 1, 1, 1).terms == ("b",)


def test_texts_without_any_term_get_the_shares_of_the_classes() -> None:
    rows = Rows(TABLE.X, {"note": np.full(len(TABLE), "...")})
    proba = Tfidf(C=1e4).fit(replace(TABLE, rows=rows), RNG(0)).predict_proba(rows)
    np.testing.assert_allclose(proba[0], np.bincount(TABLE.y) / len(TABLE), atol=0.01)


def test_soft_labels_are_learnt_as_cross_entropy() -> None:
    features = np.zeros((40, 1))
    soft = np.tile([0.5, 0.3, 0.2], (40, 1))
    table = replace(TABLE.take(np.arange(40)), soft=soft)
    model = Softmax.fit(features, table, 1e4, balanced=False)
    np.testing.assert_allclose(model.proba(features, 3)[0], soft[0], atol=1e-3)
    even = Softmax.fit(features, table, 1e4, balanced=True)
    np.testing.assert_allclose(even.proba(features, 3)[0], [1 / 3] * 3, atol=1e-3)


def test_coefficients_are_those_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    features = RNG(0).normal(size=(len(TABLE), 5)) + TABLE.y[:, None]
    weight = RNG(1).uniform(0.5, 2, len(TABLE))
    wanted = LogisticRegression(C=0.7, tol=1e-8, max_iter=2_000).fit(features, TABLE.y, sample_weight=weight)
    found = Softmax.fit(features, replace(TABLE, weight=weight), 0.7, balanced=False)
    np.testing.assert_allclose(found.proba(features, 3), wanted.predict_proba(features), atol=1e-3)


def test_columns_are_read_only_if_asked_for() -> None:
    shelf = TABLE.schema.names.index("shelf")
    X = TABLE.X.copy()
    X[:, shelf] = TABLE.y == TABLE.schema.positive  # the column gives the class away
    told = replace(TABLE, rows=Rows(X, TABLE.rows.arrays))
    swapped = X.copy()
    swapped[:, shelf] = 1 - X[:, shelf]
    for columns, reads in (("none", False), ("others", True), ("all", True)):
        learner = Tfidf(columns=columns).fit(told, RNG(0))  # type: ignore[arg-type]
        before, after = (learner.predict_proba(Rows(each, TABLE.rows.arrays)) for each in (X, swapped))
        assert (np.abs(before - after).max() > 0.05) == reads, columns
    only = Tfidf(columns="others").fit(told, RNG(0))
    made = X.copy()
    made[:, [at for at, name in enumerate(TABLE.schema.names) if name.startswith("note_")]] += 100
    np.testing.assert_array_equal(
        only.predict_proba(Rows(made, TABLE.rows.arrays)), only.predict_proba(Rows(X, TABLE.rows.arrays))
    )


@pytest.mark.parametrize(
    "settings", [{"C": 0.0}, {"words": 0}, {"words": 6}, {"letters": -1}, {"fewest": 0}, {"most_terms": 0}]
)
def test_settings_are_bounded(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Tfidf(**settings)  # type: ignore[arg-type]


def spoilt(folder: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    with np.load(folder / ARRAYS, allow_pickle=False) as archive:
        held = dict(archive)
    change(held)
    np.savez(folder / ARRAYS, allow_pickle=False, **held)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.pop("coef"),
        lambda held: held.update(coef=held["coef"][:, :-1]),
        lambda held: held.update(coef=held["coef"] * np.nan),
        lambda held: held.update(classes=np.array([0, 1, 7])),
        lambda held: held.update(classes=np.array([2, 1, 0])),
        lambda held: held.update({"rarity/word": held["rarity/word"][1:]}),
        lambda held: held.update(chosen=np.array([99])),
        lambda held: held.pop("mean_"),
    ],
)
def test_a_damaged_file_is_refused(change: Callable[[dict[str, np.ndarray]], object], tmp_path: Path) -> None:
    Tfidf(columns="all").fit(TABLE, RNG(0)).save(tmp_path)
    spoilt(tmp_path, change)
    with pytest.raises(DataError, match="whole model of texts"):
        Tfidf.load(tmp_path)


@pytest.mark.parametrize("terms", [["b", "a"], ["a", "a"], "abc", [1, 2], None])
def test_damaged_terms_are_refused(terms: object, tmp_path: Path) -> None:
    Tfidf().fit(TABLE, RNG(0)).save(tmp_path)
    (tmp_path / TERMS).write_text(json.dumps({"word": terms, "char_wb": []}))
    with pytest.raises(DataError):
        Tfidf.load(tmp_path)


def test_it_knows_for_which_rows_it_is() -> None:
    learner = Tfidf().fit(TABLE, RNG(0))
    assert learner.misfit(TABLE.schema) is None
    assert "note" in (learner.misfit(replace(TABLE.schema, arrays=())) or "")
    assert "columns" in (learner.misfit(replace(TABLE.schema, columns=TABLE.schema.columns[1:])) or "")
    with pytest.raises(DataError, match="texts"):
        learner.predict_proba(Rows(TABLE.X))
