"""Universal Binary JSON as XGBoost writes it, read within bounds: no size is believed before the bytes are there.

Only what XGBoost writes is read: sizes of 64 bits, no counted mappings, no key twice. So what was checked here is what
XGBoost will find.
"""

from typing import Any, NoReturn

import numpy as np

DEEPEST = 32  # levels of lists and mappings; XGBoost writes nine
NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
WORDS = {"T": True, "F": False, "Z": None}


def parse(content: bytes) -> Any:
    """Return the value: mappings, lists, text and numbers, and arrays where all numbers are of one type.

    Raises
    ------
    ValueError
        If it is not what XGBoost writes.
    """
    reader = _Reader(content)
    value = reader.value(reader.mark(), 0)
    if reader.at != len(content):
        reader.refuse("something follows its end")
    return value


class _Reader:
    """A place in the bytes, which moves on with what is read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def refuse(self, why: str) -> NoReturn:
        raise ValueError(f"{why} at byte {self.at}")

    def taken(self, size: int) -> bytes:
        """Return the next bytes."""
        if not 0 <= size <= len(self.content) - self.at:
            self.refuse(f"{size} bytes are announced, more than are left,")
        self.at += size
        return self.content[self.at - size : self.at]

    def mark(self) -> str:
        return chr(self.taken(1)[0])

    def expect(self, marks: str) -> None:
        if self.taken(len(marks)) != marks.encode():
            self.refuse(f"{marks!r} is expected")

    def size(self) -> int:
        """Return a size, which is written as an integer of 64 bits."""
        self.expect("L")
        return int.from_bytes(self.taken(8), "big", signed=True)

    def text(self) -> str:
        return self.taken(self.size()).decode("utf-8")

    def value(self, mark: str, depth: int) -> Any:
        """Return the value that a mark begins."""
        if depth > DEEPEST:
            self.refuse("it is nested too deeply")
        if mark == "{":
            return self.mapping(depth)
        if mark == "[":
            return self.entries(depth)
        if mark == "S":
            return self.text()
        if mark in WORDS:
            return WORDS[mark]
        if mark not in NUMBERS:
            self.refuse(f"no value begins with {mark!r},")
        return self.numbers(mark, 1)[0].item()

    def mapping(self, depth: int) -> dict[str, Any]:
        held: dict[str, Any] = {}
        while self.content[self.at : self.at + 1] != b"}":
            key = self.text()
            if key in held:
                self.refuse(f"{key[:40]!r} is given twice")
            held[key] = self.value(self.mark(), depth + 1)
        self.at += 1
        return held

    def entries(self, depth: int) -> Any:
        """Return a list, or an array if its numbers are of one type."""
        mark = self.mark()
        if mark == "$":
            kind = self.mark()
            self.expect("#")
            return self.numbers(kind, self.size()) if kind in NUMBERS else self.refuse(f"no array is of {kind!r}")
        if mark != "#":
            self.refuse("a list without its length")
        size = self.size()
        if size > len(self.content) - self.at:
            self.refuse(f"{size} entries are announced, more than bytes are left,")
        return [self.value(self.mark(), depth + 1) for _ in range(size)]

    def numbers(self, kind: str, size: int) -> np.ndarray:
        dtype = np.dtype(NUMBERS[kind])
        return np.frombuffer(self.taken(size * dtype.itemsize), dtype)
