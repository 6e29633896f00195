"""A queue as tasks for Label Studio, and the labelling configuration that goes with them.

The forms are those of https://labelstud.io/guide/tasks (tasks), /guide/predictions (what the model thinks) and
/tags/choices, /tags/hypertext (configuration), read in November 2026.
"""

import html
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.labels.class_names import ClassNames, named
from experiments.labels.columns import check_queue, shortened, values_of
from loop.errors import ConfigError, DataError
from loop.support import atomic
from loop.support.plain_json import Record
from loop.support.visible import visible

CONTROL, SHOWN = "label", "row"  # names of the choices and of what they are about
MOST_TASKS = 100_000  # "best to keep about 100k tasks per project", the guide says
_TOLD = ("question", "kind", "reason", "region", "score", "inclusion", "given")  # never "label": it would hide answers
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2
_BREAK = re.compile("\r\n|\r|\n")


def write_tasks(
    queue: pd.DataFrame,
    path: Path,
    classes: Iterable[object],
    positive: object,
    model_version: str = "weakspot",
    suggest: Collection[str] = ("ask", "check"),
) -> None:
    """Write a queue as a JSON file of tasks, whole or not at all; parameters and errors are those of `tasks`."""
    atomic.write_json(path, tasks(queue, classes, positive, model_version, suggest))


def write_config(path: Path, classes: Iterable[object]) -> None:
    """Write the labelling configuration, whole or not at all; see `labelling_config`."""
    atomic.write_text(path, labelling_config(classes))


def tasks(
    queue: pd.DataFrame,
    classes: Iterable[object],
    positive: object,
    model_version: str = "weakspot",
    suggest: Collection[str] = ("ask", "check"),
) -> list[Record]:
    """Return a queue as tasks: each row is a table in HTML, its columns in their order and its values escaped.

    Parameters
    ----------
    queue : DataFrame, (n, 8 + d)
        See `experiments.labels.columns.queue_of`.
    classes : iterable of object
        As in ``Schema.classes``.
    positive : object
        The class whose probability is the ``score``, as a class or as text.
    model_version : str
        Name of the model whose predictions the tasks show.
    suggest : collection of str
        Kinds of questions that show what the model predicts. Label Studio fills the prediction in as the answer, so
        audited rows, which must be a fair sample, show none.

    Raises
    ------
    ConfigError
        If the positive class is none of the classes.
    DataError
        If the frame is no queue, or has 100,000 questions or more.
    """
    known = named(classes)
    if (code := known.find(str(positive))) is None:
        raise ConfigError(f"The class to catch must be one of {known.listed()}, got {shortened(positive)}: name one.")
    places = check_queue(queue)
    if len(queue) >= MOST_TASKS:
        raise DataError(
            f"A file for Label Studio must have fewer than {MOST_TASKS:,} tasks, got {len(queue):,}: ask fewer."
        )
    own = [place for place in range(queue.shape[1]) if place not in places.values()]
    rows = zip(*(_cells(queue.iloc[:, place]) for place in own), strict=True) if own else [()] * len(queue)
    headings = [_escaped(str(queue.columns[place])) for place in own]
    told = zip(*(_plain(queue.iloc[:, places[name]]) for name in _TOLD), strict=True)
    made = []
    for values, cells in zip(told, rows, strict=True):
        data: Record = {**dict(zip(_TOLD, values, strict=True)), SHOWN: _table(headings, cells)}
        guess = _prediction(data["score"], known, code, model_version) if data["kind"] in suggest else []
        made.append({"data": data, "predictions": guess})
    return made


def labelling_config(classes: Iterable[object]) -> str:
    """Return the labelling configuration: the reason, the row, and a choice for each class and for "cannot tell".

    Label Studio reads a dollar in a choice as a variable, so there a class with one is shown with a full-width dollar;
    its answers name the class itself.

    Raises
    ------
    ConfigError
        If the name of a class has characters that XML cannot hold.
    """
    known = named(classes)
    view = ET.Element("View")
    ET.SubElement(view, "Header", value="$reason")
    ET.SubElement(view, "HyperText", name=SHOWN, value=f"${SHOWN}")
    choices = ET.SubElement(view, "Choices", name=CONTROL, toName=SHOWN, choice="single")
    for text in (*known.texts, known.unsure):
        if _NO_XML.search(text):
            raise ConfigError(f"The name of a class must be text that XML can hold, got {shortened(text)}: rename it.")
        choice = ET.SubElement(choices, "Choice", value=text.replace("$", "＄"))
        if "$" in text:
            choice.set("alias", text)
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def _prediction(score: object, known: ClassNames, positive: int, model_version: str) -> list[Record]:
    """Return what the model thinks, if its score says which class it is: of three classes, "not this one" is no class.

    The score of a prediction is the stated probability of the class that it names.
    """
    if not isinstance(score, (int, float)) or not 0 <= score <= 1:
        return []
    other = 1 - positive if len(known.texts) == 2 else None
    code, chance = (positive, score) if score >= 0.5 else (other, 1 - score)
    if code is None:
        return []
    choice = {
        "from_name": CONTROL,
        "to_name": SHOWN,
        "type": "choices",
        "value": {"choices": [known.texts[code]]},
    }
    return [{"model_version": model_version, "score": chance, "result": [choice]}]


def _plain(values: pd.Series) -> list[Any]:
    """Return values as JSON holds them: numbers, missing ones None, and text."""
    if pd.api.types.is_numeric_dtype(values):
        return [value if value != "" and math.isfinite(value) else None for value in values_of(values)]
    return [value if isinstance(value, (str, int, float)) else str(value) for value in values_of(values)]


def _cells(values: pd.Series) -> list[str]:
    """Return values as escaped text, missing ones empty."""
    return [_escaped(str(value)) for value in values_of(values)]


def _escaped(text: str) -> str:
    """Escape text for HTML; line breaks remain, and what else is not seen is written out."""
    return "<br>".join(html.escape(visible(line)) for line in _BREAK.split(text))


def _table(headings: list[str], cells: Iterable[str]) -> str:
    lines = (f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in zip(headings, cells, strict=True))
    return f"<table>{''.join(lines)}</table>"
