"""The usual parts for texts run as a loop, and kinds of plain models are what they are called."""

import numpy as np
from texts import text_table

from experiments.arms.forms.text import form, has_vectors
from experiments.config.strategies import compose
from learners import Committee
from loop.cycle.driver import run_loop
from loop.cycle.lanes import deal
from loop.cycle.parts import Settings
from loop.seeds import stream
from loop.types import Table


def test_the_parts_run_as_a_loop() -> None:
    table, parts = text_table(120), form()
    settings = Settings(generations=1, jobs=1)
    loop = compose(
        learner=parts.learner,
        teacher=Committee(parts.members[:2], jobs=1),
        generator=parts.generator,
        settings=settings,
    )
    run = run_loop(loop, table, deal(table, stream(0, "folds"), k=2), stream(0, "loop"))
    (generation,) = run.history
    assert generation.counts["proposed"] > 0
    assert generation.rows.rows.arrays["note"].dtype.kind == "U"
    real = set(table.rows.arrays["note"].tolist())
    assert not real & set(generation.rows.rows.arrays["note"].tolist())
    assert np.isfinite(run.outcome.learner.predict_proba(table.rows)).all()


def test_names_differ_and_every_kind_fits() -> None:
    parts, table = form(), text_table(60)
    names = [kind.name for kind in parts.kinds]
    assert len(set(names)) == len(names)
    assert ("word vectors and columns" in names) == has_vectors()
    for kind in parts.kinds:
        for learner in kind.variants:
            assert _fitted(learner.fit(table, stream(0, kind.name)).predict_proba(table.rows), table)


def _fitted(proba: np.ndarray, table: Table) -> bool:
    return bool((proba.argmax(axis=1) == table.y).mean() > 0.9)
