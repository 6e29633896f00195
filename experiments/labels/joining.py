"""Answers joined to the table of a run: chosen rows to fit, audited rows to judge, corrected labels in their places."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.data.csv_format import CsvFormat
from experiments.data.sources import Dataset
from experiments.data.split import Split
from experiments.labels import store
from experiments.labels.answers import WRITTEN, Answers, read_answers
from experiments.labels.class_names import named
from experiments.labels.columns import ASK, AUDIT, CHECK, key, row_number, shortened
from experiments.labels.likeness import late
from experiments.labels.merging import Merged, merge
from loop.asking import ledger
from loop.errors import ConfigError, DataError
from loop.types import NOBODY


def take_answers(
    labels: Path, path: Path, classes: tuple[object, ...], *, anew: bool = False, form: CsvFormat = WRITTEN
) -> tuple[Answers, Merged]:
    """Read a file of answers and keep them beside the earlier ones; ``anew`` lets them replace earlier ones.

    ``form`` is how the file is written if it is a CSV, as far as it is told.

    Raises
    ------
    DataError
        If the file cannot be read, or answers a question that was never asked.
    """
    read = read_answers(path, classes, form)
    asked = {question for batch in store.batches(labels) for question in batch.questions["question"]}
    if not asked:
        raise DataError(f"answers must follow questions, and {labels} holds none: weakspot queue asks them.")
    unknown = [question for question in read.questions if question not in asked]
    if unknown:
        raise DataError(
            f"answers must be to questions of this run, and {len(unknown):,} of {len(read.questions):,} are not, such "
            f"as {shortened(unknown[0])}: give the file of this run."
        )
    merged = merge(store.answers(labels), read, anew)
    store.keep_answers(labels, merged.frame)
    return read, merged


def answered(labels: Path, classes: tuple[object, ...]) -> Path:
    """Write what is known now as a snapshot, and return its folder.

    Raises
    ------
    ConfigError
        If there is no answer yet.
    """
    answers, known = store.answers(labels), named(classes)
    if answers.empty:
        raise ConfigError(f"a run goes on with answers, and {labels} holds none yet: weakspot answer RUN_DIR FILE.")
    codes = {
        key(question): known.find(label) for question, label in zip(answers["question"], answers["label"], strict=True)
    }
    if None in codes.values():
        raise DataError(
            f"answers must name the classes {known.listed()}, and some in {labels / store.ANSWERS} do not: "
            "correct them."
        )
    batches = store.batches(labels)
    lines = pd.concat([batch.questions for batch in batches], ignore_index=True)
    lines["key"] = lines["question"].map(key)
    weight = _judging(lines, [len(batch.questions) for batch in batches], codes)
    first = np.flatnonzero(lines["key"].isin(codes) & ~lines["key"].duplicated())
    told = lines.iloc[first]
    check = (told["kind"] == CHECK).to_numpy()
    judging = np.where(check, 0.0, told["key"].map(weight))
    snapshot = pd.DataFrame(
        {
            "kind": np.where(check, CHECK, np.where(judging > 0, AUDIT, ASK)),
            "label": [str(classes[codes[each] or 0]) for each in told["key"]],
            "judging": judging,
            "row": [row_number(each) if checked else NOBODY for each, checked in zip(told["key"], check, strict=True)],
        }
    )
    rows = pd.concat([batch.rows for batch in batches], ignore_index=True).iloc[first]
    return store.add_snapshot(labels, snapshot, rows)


def _judging(lines: pd.DataFrame, sizes: list[int], codes: dict[str, int | None]) -> dict[str, float]:
    """Return the weight as a judge row of each key."""
    ids, names = pd.factorize(lines["key"])
    y = np.array([-1 if codes.get(name) is None else codes[name] for name in lines["key"]], dtype=np.int64)
    inclusion = lines["inclusion"].to_numpy(dtype=np.float64)
    ends = np.cumsum(sizes)
    parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    batches = [ledger.Answers(ids[part], y[part], inclusion[part]) for part in parts]
    return dict(zip(names, ledger.judging(batches, len(names)).tolist(), strict=True))


def joined(dataset: Dataset, split: Split, folder: Path) -> tuple[Dataset, Split, tuple[str, ...]]:
    """Add the answers of a snapshot to the training rows of a split; the test rows stay as they are.

    Parameters
    ----------
    dataset : Dataset
        As it was before any answer.
    split : Split
        Of this table.
    folder : Path
        Of a snapshot.

    Returns
    -------
    Dataset
        With the answered rows at its end and corrected labels in their places.
    Split
        Its training rows know how they judge.
    tuple of str
        What was added, a sentence each.

    Raises
    ------
    DataError
        If the snapshot does not belong to the table.
    """
    told, rows = store.snapshot(folder)
    frame, target = dataset.frame, dataset.target
    known = named(split.schema.classes)
    codes = [known.find(label) for label in told["label"]]
    if None in codes or not told["row"].isin([NOBODY, *split.train.row_number]).all():
        raise DataError(f"answers must be to the rows of this table, and those in {folder} are not: start a new run.")
    labels = np.array([split.schema.classes[code or 0] for code in codes], dtype=object)
    check = (told["kind"] == CHECK).to_numpy()
    frame, changed = _corrected(frame, target, told["row"].to_numpy()[check], labels[check])
    new = rows[~check].assign(**{target: pd.Series(labels[~check], rows.index[~check]).astype(frame[target].dtype)})
    whole = replace(dataset, frame=_stacked(frame, new.reindex(columns=frame.columns)))
    at = np.concatenate([split.train.row_number, len(frame) + np.arange(len(new))])
    grown = Split.at(whole, at, split.test.row_number, dict(split.schema.excluded))
    judging = np.concatenate([np.ones(len(split.train)), told["judging"].to_numpy()[~check]])
    messages = (
        f"{len(new):,} answered rows join the training rows: {int((judging == 0).sum()):,} that a model chose, which "
        f"never judge, and {int((told['judging'] > 0).sum()):,} drawn at random, which judge by their chance",
        *([f"{changed:,} given labels are corrected"] if changed else []),
        *late(whole.frame.iloc[at[len(split.train) :]], dataset, split.test.row_number),
    )
    return whole, replace(grown, train=replace(grown.train, judging=judging)), messages


def _corrected(frame: pd.DataFrame, target: str, rows: np.ndarray, labels: np.ndarray) -> tuple[pd.DataFrame, int]:
    """Return the frame with other labels in some rows, and how many differ."""
    if not len(rows):
        return frame, 0
    column = frame[target].copy()
    before = column.iloc[rows].to_numpy(dtype=object)
    column.iloc[rows] = pd.Series(labels).astype(column.dtype).to_numpy()
    return frame.assign(**{target: column}), int((before != labels).sum())


def _stacked(frame: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Put new rows below, each column of the type it had where that loses nothing."""
    typed = {}
    for name in frame:
        kind, values = frame[name].dtype, new[name]
        if isinstance(kind, pd.CategoricalDtype):
            known = kind.categories.union(pd.Index(values.dropna().unique()), sort=False)
            kind = pd.CategoricalDtype(known, ordered=kind.ordered)
            frame = frame.assign(**{str(name): frame[name].astype(kind)})
        try:
            cast = values.astype(kind)
            typed[name] = cast if (cast.isna() == values.isna()).all() else values
        except (TypeError, ValueError):  # for example a missing value in a column of whole numbers
            typed[name] = values
    return pd.concat([frame, pd.DataFrame(typed)], ignore_index=True)
