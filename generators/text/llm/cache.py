"""Answers of a language model by the digest of the question, in memory or in a folder: nothing is paid for twice."""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from loop.errors import ConfigError
from loop.support import atomic
from loop.support.own_files import own_text
from loop.support.plain_json import parse

MOST = 20_000  # answers in memory; the oldest goes first


def digest(address: str, body: Mapping[str, Any]) -> str:
    """Return what a question is found by: the address and all that is asked, no key."""
    return hashlib.sha256(json.dumps([address, body], sort_keys=True).encode()).hexdigest()


class Cache:
    """Answers by digest. A copy of the generator that has it uses the same one.

    Parameters
    ----------
    folder : str or None
        Where answers are kept as files that their owner alone can read; None = in memory.
    """

    def __init__(self, folder: str | None) -> None:
        self.folder = None if folder is None else Path(folder)
        self._held: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[bool, str | None]:
        """Return whether there is an answer, and what the model said; a damaged file counts as none."""
        with self._lock:
            if key in self._held:
                return True, self._held[key]
        if self.folder is None:
            return False, None
        try:
            told = parse(own_text(self._path(key)))
        except (OSError, ValueError):
            return False, None
        content = told.get("content", 0) if isinstance(told, dict) else 0
        return (True, content) if content is None or isinstance(content, str) else (False, None)

    def put(self, key: str, content: str | None) -> None:
        """Keep what a model said.

        Raises
        ------
        ConfigError
            If the folder cannot be written.
        """
        with self._lock:
            self._held[key] = content
            if len(self._held) > MOST:
                del self._held[next(iter(self._held))]
        if self.folder is None:
            return
        text = json.dumps({"content": content})
        try:
            atomic.write_file(self._path(key), lambda path: path.write_text(text, encoding="utf-8"), private=True)
        except OSError as error:
            raise ConfigError(
                f"cache must be a folder that can be written, and {self.folder} is not ({error.strerror}): "
                "give another."
            ) from error

    def _path(self, key: str) -> Path:
        return (self.folder or Path()) / key[:2] / f"{key}.json"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[str | None]]:
        return type(self), (None if self.folder is None else str(self.folder),)
