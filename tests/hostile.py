"""A table whose names and values would act on a terminal, a page or a spreadsheet, and what may not be shown."""

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from loop.support.visible import HIDDEN

ESC = "\x1b[31m\x1b]0;owned\x07\x1b[2J"
BIDI = "\u202egnp.exe\u2066\u200b\u200f\ufeff"
TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "hi")
PAGE = "</script><script>alert(1)</script>\" onload='x' <img src=x onerror=alert(2)>&amp;{{7*7}}"
MARKUP = "[red]r[/red] [link=http://e.com]l[/link] :boom: [/]"
MARKDOWN = "|`c`|[l](http://e.com)![i](x)<b>**b**"
FORMULA = "=cmd|' /C calc'!A0"
BREAKS = "two\r\nlines\u2028three\x85four\x0b\x00"
NAMES = (ESC, BIDI + TAGS, PAGE, MARKUP, MARKDOWN, FORMULA, "$x_{1}$ $\\frac{$ 漢字 😀", BREAKS)


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return rows whose target, columns, categories, classes and groups are hostile; the class follows a category."""
    rng = np.random.default_rng(seed)
    amount, place = rng.exponential(50, n).round(2), rng.integers(0, 4, n)
    caught = rng.random(n) < np.where(place == 0, 0.75, 0.1) * np.clip(amount / 60, 0.3, 1.2)
    return pd.DataFrame(
        {
            f"amount {ESC}": amount,
            f"shop {MARKUP}{BIDI}": np.array([ESC, PAGE + TAGS, FORMULA + BIDI, MARKDOWN])[place],
            f"why {PAGE}": np.array([MARKUP, BREAKS.replace("\x00", ""), "$x_{1}$"])[rng.integers(0, 3, n)],
            f"{FORMULA}{MARKDOWN}": rng.normal(size=n).round(3),
            f"age $\\frac{{1$ {TAGS}": rng.integers(18, 90, n),
            f"group {BREAKS.replace(chr(0), '')}": np.array([ESC, BIDI])[rng.integers(0, 2, n)],
            "target\x1b[1m": np.where(caught, f"yes {MARKUP}{BIDI}{FORMULA}", f"no {PAGE}{MARKDOWN}\u200b"),
        }
    )


def unseen_in(text: str) -> set[str]:
    """Return the characters of a text that are not seen, but line breaks at the end of lines."""
    return {each for each in text if each != "\n" and unicodedata.category(each) in HIDDEN}


def written(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_parquet(path, index=False)
    return path
