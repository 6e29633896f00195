"""Answers read from a file that people have filled in: one a question, in the words of the classes."""

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from experiments.data.csv_format import CsvFormat, encoding_of
from experiments.data.spreadsheet import unguarded
from experiments.labels.class_names import ClassNames, named
from experiments.labels.columns import shortened
from experiments.labels.exports import Reply, replies
from loop.errors import DataError

WRITTEN = CsvFormat()  # as written by weakspot or a spreadsheet: what can be recognised is not told
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


def read_answers(path: Path, classes: Iterable[object], form: CsvFormat = WRITTEN) -> Answers:
    """Read the answers of a file: a queue that was filled in, or an export of Label Studio, known by its content.

    Of a CSV only the columns question, kind, label and annotator are read, so that nothing is lost if a spreadsheet
    has changed others; a column annotator may be added by hand, or be one of the row itself. Predictions of a model are
    never answers. The separator is known by the header, and UTF-16 by its first bytes. Of a file in an encoding that is
    not told, what is read must be ASCII, which is the same in all that spreadsheets save.

    Parameters
    ----------
    path : Path
    classes : iterable of object
        As in ``Schema.classes``.
    form : CsvFormat
        How a CSV is written, as far as it is told.

    Raises
    ------
    DataError
        If the file is missing, empty, too large, in an encoding that must be told or of no known form, an answer names
        no class, or a question is there with two kinds.
    ConfigError
        If the classes are no classes, see `experiments.labels.class_names.ClassNames`.
    """
    known = named(classes)
    content, foreign = _content(path, form.encoding)
    if foreign is not None:
        return _gathered(_in_ascii(content, form, foreign), known)
    try:
        return _gathered(replies(content, form), known)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _in_ascii(content: str, form: CsvFormat, foreign: DataError) -> list[Reply]:
    """Return the replies of a file whose encoding is not known; ``foreign`` is raised if they depend on it."""
    try:
        found = list(replies(content, form))
    except DataError as error:
        raise foreign from error
    if not all(f"{each.question}{each.label}{each.annotator}".isascii() for each in found):
        raise foreign
    return found


def _content(path: Path, encoding: str | None) -> tuple[str, DataError | None]:
    """Return the text of a file and, if its encoding is not known, what to say should that matter."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"Answers must be in a file, and {path} {what}: check the path, seen from {Path.cwd()}.")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise DataError(
            f"{path} must have at most {MOST_BYTES:,} bytes, got {size:,}: export fewer questions at a time."
        )
    content, foreign = _decoded(path, path.read_bytes(), encoding)
    if not content.strip():
        raise DataError(f"{path} must hold answers, and is empty: export it again.")
    return content, foreign


def _decoded(path: Path, held: bytes, encoding: str | None) -> tuple[str, DataError | None]:
    wide = encoding is None and held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    tried = "utf-16" if wide else encoding or "utf-8"
    try:
        return held.decode(tried).removeprefix("\ufeff"), None
    except UnicodeError as error:
        at = f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "some of it"
        wrong = f"{path} must be text in {tried.upper() if encoding is None else tried}, and {at} is not"
        if wide or encoding is not None:
            raise DataError(f"{wrong}: correct --encoding.") from error
        guess = encoding_of(path)
        foreign = DataError(f"{wrong}; it seems to be {guess}: add --encoding {guess}, or save it as CSV UTF-8.")
        if held.lstrip()[:1] in (b"[", b"{") or b"\0" in held:  # JSON is UTF-8
            raise foreign from error
        return held.decode("latin-1"), foreign


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
    told = [unguarded(reply.label), reply.label] if reply.guarded else [reply.label]
    for text in (*told, reply.pointed):
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
