"""The forms of files with answers, known by their content: our CSV, and Label Studio's JSON, JSON-MIN, CSV and TSV.

Label Studio's forms are those of https://labelstud.io/guide/export and of its converter, read in November 2026.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.data.csv_format import CsvFormat
from experiments.data.spreadsheet import unguarded
from experiments.labels.columns import KINDS, positions, shortened
from experiments.labels.label_studio import CONTROL
from experiments.labels.queue_csv import SEPARATORS, read_lines
from loop.errors import DataError
from loop.support.plain_json import Record, parse
from loop.support.record_checks import fields, listed, optional, text, text_in

_EXPORTED = {"annotator", "annotation_id", "created_at", "updated_at", "lead_time"}  # always in Label Studio's CSV
_READ = ("question", "kind", "label")
_ANY_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_COMMA = re.compile(r"[+-]?(0,\d+|\d+,(?!\d{3}$)\d+)", re.ASCII)  # 1,000 may be a thousand
_FORMS = (
    "a queue written by weakspot or an export of Label Studio (JSON, JSON-MIN or CSV) with the columns"
    " question, kind and label"
)
_ASKED = fields({"question": text, "kind": text_in(KINDS)})
_RESULTS = listed(fields({}, {"from_name": optional(text), "type": optional(text)}))
_ANNOTATIONS = listed(fields({}, {"result": optional(_RESULTS)}))


@dataclass(frozen=True)
class Reply:
    """What one person did with one question.

    Parameters
    ----------
    question, kind : str
    label : str
        As it was written; "" = no answer.
    annotator : str
        "" = not told.
    cancelled : bool
        Whether the question was skipped on purpose.
    guarded : bool
        Whether the label may have an apostrophe before it, see `experiments.data.spreadsheet`.
    pointed : str
        The label with a decimal point if it is a number with a decimal comma, else "".
    """

    question: str
    kind: str
    label: str = ""
    annotator: str = ""
    cancelled: bool = False
    guarded: bool = False
    pointed: str = ""


def replies(content: str, form: CsvFormat) -> Iterator[Reply]:
    """Yield the replies that a file holds; ``form`` is how it is written if it is a CSV, as far as told.

    Raises
    ------
    DataError
        If the text has no known form, or breaks the rules of its form.
    """
    if content.lstrip()[:1] in ("[", "{"):
        yield from _from_json(content)
    else:
        yield from _from_csv(content, form)


def _from_json(content: str) -> Iterator[Reply]:
    try:
        held = parse(content)
    except ValueError as error:
        raise DataError(f"it must be JSON, but {str(error)[:80]}: export it again.") from error
    tasks = held if isinstance(held, list) else [held]
    if not tasks or not all(isinstance(task, dict) for task in tasks):
        raise DataError(f"it must be {_FORMS}, and holds no tasks: export it again.")
    if not any("data" in task for task in tasks):
        yield from (_of_record(task, f"entry {number}") for number, task in enumerate(tasks, start=1))
    elif any("annotations" in task for task in tasks):
        for number, task in enumerate(tasks, start=1):
            yield from _of_task(task, f"task {number}")
    else:
        raise DataError("its tasks must have annotations, and have none: label them in Label Studio and export them.")


def _of_task(task: Record, place: str) -> Iterator[Reply]:
    """Yield the replies of a task of the full JSON; what a model predicted is never read."""
    asked = _asked(task.get("data"), f"{place}, data")
    annotations = _checked(_ANNOTATIONS, task.get("annotations", []), f"{place}, annotations")
    if not annotations:
        yield Reply(asked["question"], asked["kind"])
    for each in annotations:
        cancelled = bool(each.get("was_cancelled") or each.get("skipped"))
        label = "" if cancelled else _chosen(each.get("result") or [], place)
        yield Reply(asked["question"], asked["kind"], label, _author(each.get("completed_by")), cancelled)


def _chosen(results: list[Record], place: str) -> str:
    """Return the choice among the results of an annotation, "" if there is none."""
    ours = [each for each in results if each.get("from_name") == CONTROL]
    others = [each.get("from_name") for each in results if each.get("type") == "choices"]
    if not ours and others:
        raise DataError(
            f"{place} must be answered by choices called {CONTROL!r}, and theirs are called {shortened(others[0])}:"
            f" keep the name of the labelling configuration."
        )
    chosen = [each.get("value") for each in ours]
    return _one(chosen[0].get("choices") if len(chosen) == 1 and isinstance(chosen[0], dict) else chosen, place)


def _of_record(record: Record, place: str) -> Reply:
    """Return the reply of an entry of JSON-MIN."""
    asked = _asked(record, place)
    return Reply(asked["question"], asked["kind"], _one(record.get(CONTROL), place), _author(record.get("annotator")))


def _asked(data: object, place: str) -> Any:
    if isinstance(data, dict) and "question" not in data:
        raise DataError(f"{place} must be {_FORMS}, and has no question: export a project with tasks of weakspot.")
    asked = _checked(_ASKED, data, place)
    if not asked["question"] or _whole(asked["question"]) != asked["question"]:
        raise DataError(f"{place} must have a question that is text, got {shortened(asked['question'])}: restore it.")
    return asked


def _checked(check: Callable[[object, str], Any], value: object, place: str) -> Any:
    try:
        return check(value, place)
    except DataError as error:
        raise DataError(f"{error}: export it again.") from error


def _whole(text: str) -> str:
    """Return text without halves of surrogate pairs, which JSON can hold and text cannot."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _one(value: object, place: str) -> str:
    """Return the one choice of an answer as text, "" if there is none."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or value == [] or value != value:  # Python's json module writes a missing label as NaN
        return ""
    if isinstance(value, (list, dict)):
        raise DataError(f"{place} must be answered by one class, got {shortened(value)}: choose one.")
    return str(value)


def _author(value: object) -> str:
    """Return who answered: an address or a number, which Label Studio gives alone or among other facts."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return "" if value is None else _whole(str(value))[:200]


def _from_csv(content: str, form: CsvFormat) -> Iterator[Reply]:
    separator, header = _header(content, SEPARATORS if form.sep is None else (form.sep,))
    decimal = form.decimal or ("." if separator == "," else "")  # "" = not known: spreadsheets save ; beside a comma
    exported = _EXPORTED.issubset(header)
    names = [name if exported else unguarded(name) for name in header]
    found = positions(names, _READ)
    if exported:
        found.setdefault("label", len(names))  # nobody has answered yet: Label Studio leaves the column out
    if missing := [name for name in _READ if name not in found]:
        raise DataError(f"it must be {_FORMS}, and the column {missing[0]} is missing: keep it.")
    who = names.index("annotator") if "annotator" in names else len(names)
    lines = read_lines(content, separator)
    next(lines)
    for number, cells in lines:
        question, kind, label, annotator = (
            cells[place] if place < len(cells) else "" for place in (*(found[name] for name in _READ), who)
        )
        if not exported:
            question, annotator = unguarded(question), unguarded(annotator)
        if not question:
            raise DataError(f"line {number} must have its question, and the cell is empty: restore it.")
        if kind not in KINDS:
            raise DataError(f"line {number} must be of the kind {', '.join(KINDS)}, got {shortened(kind)}: restore it.")
        yield Reply(question, kind, label, annotator[:200], guarded=not exported, pointed=_pointed(label, decimal))


def _pointed(label: str, decimal: str) -> str:
    """Return a number with a decimal comma with a point instead, "" if it is none or the comma may divide thousands."""
    pattern = {"": _COMMA, ",": _ANY_COMMA}.get(decimal)
    return label.strip().replace(",", ".") if pattern is not None and pattern.fullmatch(label.strip()) else ""


def _header(content: str, separators: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the separator of a CSV and the names of its columns."""
    for separator in separators:
        try:
            _, names = next(read_lines(content, separator), (0, []))
        except DataError:  # quotes fit with another separator
            continue
        if any(unguarded(name).lstrip("_") == "question" for name in names):
            return separator, names
    raise DataError(f"it must be {_FORMS}, and the column question is missing: check which file it is.")
