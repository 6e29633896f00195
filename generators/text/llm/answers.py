"""Texts taken out of what a language model says: read as data, leniently, and nothing else is done with it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REFUSED, UNPARSABLE = "refused by the model", "unparsable"
MOST_ARRAYS = 50  # opening brackets at which an array of texts is looked for
MOST_CHARACTERS = 400_000  # of an answer that are looked at
_BLANKS = re.compile(r"[\s,]*")
_REFUSAL = re.compile(  # a text may begin with "I can't" as well: what cannot be done must be what was asked for
    r"\W*(?:as\s+an?\s+(?:ai|(?:large\s+)?language\s+model)\b|"
    r"(?:(?:i['’]m|i\s+am)\s+(?:very\s+)?sorry\W+(?:but\s+)?)?i\s*(?:can['’]?t|cannot|can\s+not|won['’]?t|will\s+not|"
    r"['’]m\s+(?:un|not\s+)able\s+to|am\s+(?:un|not\s+)able\s+to|must\s+decline\s+to)\s+"
    r"(?:help|assist|comply|fulfil|provide|generate|write|create|produce|do\s+that)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Answer:
    """Texts of an answer, in their order, and what else was in it."""

    texts: tuple[str, ...]
    faults: tuple[str, ...]  # a reason for each piece that was no text


def content_of(told: Mapping[str, Any]) -> str | None:
    """Return what the model said in an answer of the API; None if it said nothing, or refused."""
    choices = told.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) and content.strip() else None


def tokens_of(told: Mapping[str, Any]) -> int | None:
    """Return how many tokens an answer of the API says it has cost; None if it does not say so."""
    usage = told.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 10**9 else None


def texts_in(content: str | None) -> Answer:
    """Return the texts of the first JSON array of texts, or of objects with a ``text``; an array may be cut.

    Examples
    --------
    >>> texts_in('Here they are: ["one", "two", "thr').texts
    ('one', 'two')
    """
    if content is None:
        return Answer((), (REFUSED,))
    said = content[:MOST_CHARACTERS].rpartition("</think>")[2]
    opened = [found.start() for found in re.finditer(r"\[", said)][:MOST_ARRAYS]
    for answer in (_array(said, at + 1) for at in opened):
        if answer.texts or REFUSED in answer.faults:
            return answer
    return Answer((), (REFUSED if _REFUSAL.match(said) else UNPARSABLE,))


def _array(said: str, at: int) -> Answer:
    """Read the entries of an array one by one, so that those before a cut are not lost."""
    read, texts, faults = json.JSONDecoder(), list[str](), list[str]()
    while True:
        found = _BLANKS.match(said, at)
        at = found.end() if found else at
        if said[at : at + 1] == "]":
            return Answer(tuple(texts), tuple(faults))
        try:
            entry, at = read.raw_decode(said, at)
        except (ValueError, RecursionError):  # cut; a number of too many digits; nested too deeply
            return Answer(tuple(texts), (*faults, UNPARSABLE))
        text = entry.get("text") if isinstance(entry, dict) else entry
        if not isinstance(text, str):
            faults.append(UNPARSABLE)
        elif _REFUSAL.match(text):
            faults.append(REFUSED)
        else:
            texts.append(text)
