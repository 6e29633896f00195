"""What answers brought: the model that learnt from them against the one that asked, on the same test rows."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from experiments.run.inputs import RunInputs
from experiments.storage import run_folder
from loop.errors import DataError
from loop.evaluation.bootstrap import paired
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.support.plain_json import Record, plain

SCORE = "average_precision"


def effect(inputs: RunInputs, answers: str | None, after: np.ndarray, seed: int) -> Record:
    """Compare with the model of the run that first asked.

    Parameters
    ----------
    inputs : RunInputs
    answers : str or None
        Folder of the snapshot that the run learnt from, which lies in the folder of the run that asked.
    after : ndarray of shape (n, K)
        Probabilities of the test rows by the model that learnt from the answers.
    seed : int

    Returns
    -------
    dict
        ``rows``, ``audited``, ``before``, ``after``, ``difference`` and a ``sentence``; empty without answers, or where
        the run that asked is gone.
    """
    if answers is None:
        return {}
    try:
        asked = run_folder.load_model(Path(answers).parent.parent / run_folder.MODEL)
    except DataError:
        return {}
    if asked.schema.classes != inputs.schema.classes:
        return {}
    judged, judging = JudgeRows.of(inputs.test), inputs.train.judging
    before = asked.predict_proba(inputs.dataset.frame.iloc[inputs.test.row_number])
    difference = paired(SCORE, judged, before, after, stream(seed, "answers' effect")).difference
    scores = [score(SCORE, judged, proba) for proba in (before, after)]
    new = np.zeros(0) if judging is None else judging[len(judging) - inputs.answered :]
    sentence = (
        f"{inputs.answered:,} answers: average precision {scores[1]:.3f}, {scores[0]:.3f} of the model that asked; "
        f"{difference} on {len(judged):,} test rows."
    )
    told = {"rows": inputs.answered, "audited": int((new > 0).sum()), "before": scores[0], "after": scores[1]}
    return plain(told | {"difference": asdict(difference), "sentence": sentence})  # type: ignore[no-any-return]
