"""Answers read from a file that people have filled in: one a question, in the words of the classes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from experiments.data.spreadsheet import unguarded
from experiments.labels.class_names import ClassNames, named
from experiments.labels.columns import shortened
from experiments.labels.exports import Reply, replies
from loop.errors import DataError

MOST_BYTES = 2**29  # of a file: it is read as a whole
COLUMNS = ("question", "kind", "label", "annotator")
SKIPPED = ("cannot tell", "cancelled", "no answer")  # of several replies to a question without answer the first counts


@dataclass(frozen=True, eq=False)
class Answers:
    """What a file answers. Each of its questions is in exactly one of the three.

    Parameters
    ----------
    frame : DataFrame, (n, 4)
        One line a question: ``question``, ``kind``, ``label`` as in the classes, and ``annotator``, several of them
        separated by commas, "" if the file does not tell.
    skipped : mapping of str to int
        Questions without answer: "no answer", "cancelled" and "cannot tell".
    disagreeing : tuple of str
        Questions to which different answers were given.
    questions : tuple of str
        All questions of the file, in its order.
    """

    frame: pd.DataFrame
    skipped: Mapping[str, int]
    disagreeing: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


def read_answers(path: Path, classes: Iterable[object]) -> Answers:
    """Read the answers of a file: a queue that was filled in, or an export of Label Studio, known by its content.

    Of a CSV only the columns question, kind, label and annotator are read, so that nothing is lost if a spreadsheet
    has changed others; a column annotator may be added by hand, or be one of the row itself. Predictions of a model are
    never answers.

    Parameters
    ----------
    path : Path
    classes : iterable of object
        As in ``Schema.classes``.

    Raises
    ------
    DataError
        If the file is missing, empty, too large, not UTF-8 or of no known form, an answer names no class, or a question
        is there with two kinds.
    ConfigError
        If the classes are no classes, see `experiments.labels.class_names.ClassNames`.
    """
    known = named(classes)
    content = _content(path)
    try:
        return _gathered(replies(content), known)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _content(path: Path) -> str:
    """Return the text of a file."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"Answers must be in a file, and {path} {what}: check the path, seen from {Path.cwd()}.")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise DataError(
            f"{path} must have at most {MOST_BYTES:,} bytes, got {size:,}: export fewer questions at a time."
        )
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} must be text in UTF-8, and byte {error.start} is not: save it as CSV UTF-8."
        ) from error
    if not content.strip():
        raise DataError(f"{path} must hold answers, and is empty: export it again.")
    return content


def _gathered(given: Iterable[Reply], known: ClassNames) -> Answers:
    """Bring the replies to each question together."""
    kinds: dict[str, str] = {}
    chosen: dict[str, dict[int, set[str]]] = {}  # question to class to annotators
    unanswered: dict[str, set[str]] = {}
    for reply in given:
        if kinds.setdefault(reply.question, reply.kind) != reply.kind:
            raise DataError(
                f"a question must be of one kind, and {shortened(reply.question)} is {kinds[reply.question]} and"
                f" {reply.kind}: correct it."
            )
        answer = _class_or_reason(reply, known)
        if isinstance(answer, int):
            chosen.setdefault(reply.question, {}).setdefault(answer, set()).add(reply.annotator)
        else:
            unanswered.setdefault(reply.question, set()).add(answer)
    lines = [
        (question, kinds[question], code, ", ".join(sorted(who - {""})))
        for question, answers in chosen.items()
        if len(answers) == 1
        for code, who in answers.items()
    ]
    first = [min(unanswered[each], key=SKIPPED.index) for each in unanswered if each not in chosen]
    return Answers(
        _frame(lines, known),
        MappingProxyType({reason: first.count(reason) for reason in reversed(SKIPPED)}),
        tuple(question for question, answers in chosen.items() if len(answers) > 1),
        tuple(kinds),
    )


def _class_or_reason(reply: Reply, known: ClassNames) -> int | str:
    """Return the position of the class that a reply names, or why it names none."""
    if reply.cancelled:
        return "cancelled"
    for text in [unguarded(reply.label), reply.label] if reply.guarded else [reply.label]:
        if (code := known.find(text)) is not None:
            return code
    if not reply.label.strip():
        return "no answer"
    if known.is_unsure(reply.label):
        return "cannot tell"
    raise DataError(
        f"an answer must name one of the classes {known.listed()}, or be {known.unsure!r} or empty, and that to"
        f" {shortened(reply.question)} is {shortened(reply.label)}: correct it."
    )


def _frame(lines: list[tuple[str, str, int, str]], known: ClassNames) -> pd.DataFrame:
    labels = pd.Series([known.classes[code] for _, _, code, _ in lines], dtype=pd.Series(known.classes).dtype)
    texts = {
        name: pd.Series([line[place] for line in lines], dtype="str")
        for name, place in {"question": 0, "kind": 1, "annotator": 3}.items()
    }
    return pd.DataFrame({**texts, "label": labels})[list(COLUMNS)]
