"""New answers put to earlier ones: an answer that contradicts an earlier one is refused unless it is to replace it."""

from dataclasses import dataclass

import pandas as pd

from experiments.labels.answers import COLUMNS, Answers
from experiments.labels.class_names import as_number
from experiments.labels.columns import shortened
from loop.errors import DataError


@dataclass(frozen=True, eq=False)
class Merged:
    """Earlier and new answers.

    Parameters
    ----------
    frame : DataFrame, (n, 4)
        The earlier answers in their order, then the new ones: ``question``, ``kind``, ``label``, ``annotator``.
    new, repeated, changed : int
        New answers: to questions without an earlier one, like the earlier one, and in its place.
    """

    frame: pd.DataFrame
    new: int
    repeated: int
    changed: int


def merge(old: pd.DataFrame, new: Answers, replace: bool = False) -> Merged:
    """Put new answers to earlier ones.

    Parameters
    ----------
    old : DataFrame, (m, 4)
        As ``Merged.frame``, also read back from a file; a frame without rows = there are none yet.
    new : Answers
    replace : bool
        Take later answers where they differ.

    Raises
    ------
    DataError
        If the earlier answers lack a column or answer a question twice, a question has become one of another kind, or
        an answer differs and is not to replace the earlier one.
    """
    if old.empty:
        return Merged(new.frame.copy(), len(new.frame), 0, 0)
    _check(old)
    kept = old[list(COLUMNS)].reset_index(drop=True)
    place = {question: row for row, question in enumerate(kept["question"])}
    rows = new.frame["question"].map(place)
    later = new.frame[rows.notna()].set_axis(rows.dropna().astype(int), axis=0)
    earlier = kept.loc[later.index]
    _check_kinds(earlier, later)
    differs = [not _same(before, after) for before, after in zip(earlier["label"], later["label"], strict=True)]
    changed = later[differs]
    if len(changed) and not replace:
        question, after = changed["question"].iloc[0], changed["label"].iloc[0]
        before = kept["label"][changed.index[0]]
        raise DataError(
            f"An answer must be that of an earlier time, and {len(changed):,} differ, first to"
            f" {shortened(question)}: {shortened(before)} has become"
            f" {shortened(after)}; correct them, or say that later answers replace earlier ones (replace)."
        )
    frame = pd.concat([_replaced(kept, changed), new.frame[rows.isna()]], ignore_index=True)
    return Merged(frame, int(rows.isna().sum()), len(later) - len(changed), len(changed))


def _check(old: pd.DataFrame) -> None:
    if missing := [name for name in COLUMNS if name not in old.columns]:
        raise DataError(f"Earlier answers must have the columns {', '.join(COLUMNS)}, and {missing[0]} is missing.")
    if (twice := old["question"].duplicated()).any():
        raise DataError(
            f"Earlier answers must be one a question, and {shortened(old['question'][twice].iloc[0])} has several:"
            " drop the others."
        )


def _check_kinds(earlier: pd.DataFrame, later: pd.DataFrame) -> None:
    odd = (earlier["kind"] != later["kind"]).to_numpy()
    if odd.any():
        question, before, after = (
            later["question"][odd].iloc[0],
            earlier["kind"][odd].iloc[0],
            later["kind"][odd].iloc[0],
        )
        raise DataError(
            f"A question must keep its kind, and {shortened(question)} was {before} and is {after}: answer the queue"
            " that it belongs to."
        )


def _replaced(kept: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """Return earlier answers with the changed ones in their places."""
    if changed.empty:
        return kept
    return pd.concat([kept.drop(index=changed.index), changed]).sort_index()


def _same(before: object, after: object) -> bool:
    """Tell whether two labels are the same; of those that a file gave back as other types, text or number decides."""
    if isinstance(before, str) and isinstance(after, str):
        return before == after
    number = as_number(str(before))
    return str(before) == str(after) or (number is not None and number == as_number(str(after)))
