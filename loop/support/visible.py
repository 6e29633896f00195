"""Text that came with the data, as it may be shown: it draws nothing, hides nothing and reverses nothing.

Names of columns, classes and files may hold what a terminal obeys (escape sequences), what ends a line, and what
nobody sees: marks that turn the direction of text, joiners, tags. Where such text is shown, each of these characters
is written out as Python writes it (``\\x1b``, ``\\u202e``). Files of rows and JSON keep the exact text.
"""

import re
import unicodedata

from loop.support.secrets import masked

LONGEST = 300  # characters of a sentence, beside its paths
PATH, PATHS = 200, 2  # characters of a path that is never cut, as nobody could copy it, and how many of them
HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # categories of Unicode without a glyph; blanks have their width
# Letters and marks that have no glyph either: fillers, selectors of variants, what is ignorable by default.
IGNORED = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"
_IGNORED = re.compile(f"[{IGNORED}]")
_HEAD, _TAIL = 4_000, 1_000  # of text of any length, all that is looked at
_WORDS = (200, 100, 60, 40)  # characters of a word, tried one after the other until the sentence is short enough
_GAP = " … "
# What Markdown would obey. Marks that stand where they mean nothing, as in "[0.1, 0.2]" and "real_only", stay.
_MARKDOWN = re.compile(
    r"[\\`*<>|~&@$]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.|^[#=+\-](?=\s|$)|^\d+(?=[.)])", re.I
)


def visible(text: str, *, lines: bool = False) -> str:
    """Return text in which every character is seen as what it is; with ``lines``, line breaks stay.

    Examples
    --------
    >>> visible("red\\x1b[31m, \\u202egnp.exe"), visible("one\\ntwo", lines=True)
    ('red\\\\x1b[31m, \\\\u202egnp.exe', 'one\\ntwo')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_seen, text)) if not lines else "\n".join(map(visible, text.split("\n")))


def sentence(text: object) -> str:
    """Return a message as one visible line of at most `LONGEST` characters beside its paths, without passwords.

    What is left out stood in the middle: the rule at the beginning and the way out at the end remain.
    """
    told = str(text)
    if len(told) > _HEAD + _TAIL:  # first, as the other steps would take long
        told = f"{told[:_HEAD]}{_GAP}{told[-_TAIL:]}"
    told = visible(masked(told.strip()))
    paths = sorted((len(word) for word in told.split() if _is_path(word)), reverse=True)
    longest = LONGEST + sum(paths[:PATHS])
    for most in _WORDS:
        if len(told) <= longest:
            return told
        told = re.sub(rf"\S{{{most + 1},}}", lambda found: _unless_path(found[0], most), told)  # noqa: B023  (used at once)
    return _shortened(told, longest)


def _is_path(word: str) -> bool:
    return "/" in word and len(word) <= PATH


def _unless_path(word: str, most: int) -> str:
    return word if _is_path(word) else _shortened(word, most)


def in_markdown(text: object) -> str:
    """Return text as Markdown shows it literally: no link, no HTML, no cell of a table ends in it.

    Entities stand for what would act, as they do in every dialect; backslashes differ.
    """
    return _MARKDOWN.sub(lambda found: "".join(f"&#{ord(each)};" for each in found[0]), visible(str(text)))


def file_name(text: str, most: int = 100) -> str:
    """Return text as a name of a file that every shell, terminal and system takes: letters, digits, and ``. - _``."""
    return re.sub(r"[^\w.\-]+", "-", text[: 10 * most])[:most].lstrip(".-") or "_"


def _seen(character: str) -> str:
    hidden = unicodedata.category(character) in HIDDEN or _IGNORED.match(character)
    return character.encode("unicode_escape").decode("ascii") if hidden else character


def _shortened(text: str, most: int) -> str:
    """Leave out the middle of a text that is longer than so many characters."""
    if len(text) <= most:
        return text
    tail = most * 2 // 5
    return f"{text[: most - tail - len(_GAP)]}{_GAP}{text[-tail:]}"
