"""Given labels that a run's queue asks people to check, the surest errors first."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from experiments.config.data_config import DataConfig
from experiments.data.files import Reading
from experiments.data.sources import load
from experiments.labels.columns import CHECK, PREFIX, row_number
from experiments.run.inputs import RunInputs
from learners import ExtraTrees
from learners.thinned import Thinned
from loop.asking.out_of_fold import out_of_fold, repeated_folds
from loop.asking.suspects import find_suspects
from loop.data.split import duplicate_groups
from loop.errors import DataError

MODEL = Thinned(ExtraTrees(trees=200, max_features=0.5, min_leaf=2), 20_000)


def checks(
    inputs: RunInputs, most: int, before: Collection[str], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return questions about given labels of training rows, and the rows, line by line; answered rows are left out.

    Parameters
    ----------
    inputs : RunInputs
    most : int
        Questions at most.
    before : collection of str
        Questions that were asked already; they are left out.
    rng : numpy.random.Generator
    """
    table, schema = inputs.train, inputs.schema
    fold_rng, fit_rng, list_rng = rng.spawn(3)
    nothing = pd.DataFrame({"question": [], "kind": []}), inputs.dataset.frame.iloc[:0]
    if not most:
        return nothing
    try:
        dealt = repeated_folds(table, fold_rng, repeats=1, groups=table.unit)
    except DataError:  # too few rows of a class to say anything
        return nothing
    proba = out_of_fold(MODEL, table, dealt, fit_rng)
    found = find_suspects(proba, table.y, schema.classes, list_rng, copies=duplicate_groups(table.X))
    numbers = table.row_number[found.positions]
    new = np.array([f"{PREFIX[CHECK]}{row}" not in before for row in numbers], dtype=bool)
    first = new & (numbers < len(inputs.dataset.frame) - inputs.answered)
    at, said = found.positions[first][:most], found.suspected[first][:most]
    against = found.copies[first][:most]
    names = [str(name) for name in schema.classes]
    reasons = [
        "copies of this row have another label" if copied else f"the model expects {names[code]}"
        for code, copied in zip(said, against, strict=True)
    ]
    rows = table.row_number[at]
    questions = pd.DataFrame(
        {
            "question": [f"{PREFIX[CHECK]}{row}" for row in rows],
            "kind": CHECK,
            "reason": reasons,
            "region": "",
            "score": proba[at, schema.positive],
            "inclusion": 1.0,
            "given": [names[code] for code in table.y[at]],
            "chance": np.nan,
        }
    )
    return questions, inputs.dataset.frame.iloc[rows].drop(columns=str(inputs.dataset.target))


def dropped(data: DataConfig, doubted: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Return what people look a row up by: its values in the columns of ``data.drop``, which no model sees.

    Parameters
    ----------
    data : DataConfig
    doubted : DataFrame, (m, ...)
        Questions about training rows, whose file is read again.
    told : DataFrame, (n, ...)
        Rows of the pool with all columns of their file; those that it does not have are left out.

    Returns
    -------
    DataFrame, (m + n, ...)
    """
    names = [name for name in data.drop if name in told]
    if not names or doubted.empty:
        return told[names].reset_index(drop=True)
    with data.opened() as source:
        whole = load(source, data.target, reading=Reading(data.format)).frame
    rows = whole.iloc[[row_number(question) for question in doubted["question"]]]
    return pd.concat([rows[names], told[names]], ignore_index=True)
