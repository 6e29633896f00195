"""Texts as they are shown in a report: a table of short, harmless lines, not a figure."""

from collections.abc import Mapping, Sequence

import numpy as np

from loop.support.visible import visible

SHOWN = 200  # characters of a text
GROUP, TEXT, CAPTION = "rows", "text", "class"
_GAP = " … "


def samples(groups: Mapping[str, tuple[np.ndarray, Sequence[str]]]) -> list[dict[str, str]]:
    """Return a record for each text, to be shown as rows of a table.

    Parameters
    ----------
    groups : mapping of str to (ndarray of shape (n,), sequence of str)
        Title of a group to its texts and a caption for each.

    Returns
    -------
    list of dict
        The group, the text and its caption: on one line, the middle of long ones left out, every character that draws
        nothing or turns the line written out.
    """
    return [
        {GROUP: shown(title), TEXT: shown(str(text)), CAPTION: shown(caption)}
        for title, (texts, captions) in groups.items()
        for text, caption in zip(texts.tolist(), captions, strict=True)
    ]


def shown(text: str) -> str:
    """Return text on one visible line of at most `SHOWN` characters."""
    line = visible(" ".join(text[: 10 * SHOWN].split()))
    cut = len(text) > 10 * SHOWN
    if len(line) <= SHOWN and not cut:
        return line
    tail = SHOWN // 4
    end = visible(" ".join(text[-2 * SHOWN :].split())) if cut else line
    return f"{line[: SHOWN - tail - len(_GAP)]}{_GAP}{end[-tail:]}"
