"""What a notebook shows of an estimator, before and after it is fitted."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from tiny import LEARNER

from loop import LoopClassifier


@pytest.fixture(scope="module")
def fitted() -> LoopClassifier:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a <b>": rng.normal(size=200), "shop & co": rng.choice(["<i>x", "y"], 200)})
    model = LoopClassifier(LEARNER, teacher=None, generations=2, lanes=2, jobs=1, random_state=0)
    return model.fit(X, X["a <b>"] + rng.normal(size=200) > 0.9)


def test_before_it_is_fitted_the_parts_are_shown() -> None:
    for model in (LoopClassifier(), LoopClassifier(LEARNER, teacher=None)):
        shown = model._repr_html_()
        assert "LoopClassifier" in shown
        assert "Weak regions" not in shown
        assert "LoopClassifier" in make_pipeline(model)._repr_html_()


def test_after_it_the_result_stands_in_a_table(fitted: LoopClassifier) -> None:
    shown = fitted._repr_html_()
    assert fitted._repr_mimebundle_()["text/html"].endswith(shown[-1000:])  # the diagrams are numbered
    assert fitted.verdict_.sentence.split("[")[0] in shown
    rows = re.findall(r"<tr>\s*<td>(\d+)</td>\s*<td>(yes|no)</td>", shown)
    assert [int(number) for number, _ in rows] == fitted.history_["generation"].tolist()
    assert f"{fitted.history_['average_precision'].iloc[0]:.3f}" in shown
    assert "rows kept" in shown


def test_names_of_columns_stay_text(fitted: LoopClassifier) -> None:
    fitted.regions_ = pd.DataFrame({"generation": [1], "region": ["a <b> > 1 and shop & co = <i>x"], "rows": [7]})
    shown = fitted._repr_html_()
    assert "<i>x" not in shown
    assert "a &lt;b&gt; &gt; 1" in shown
