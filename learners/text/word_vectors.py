"""Mean word vectors of texts from the weights that wordllama ships; needs the extra ``text``. The one place for it."""

import logging
from collections.abc import Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learners.common.extras import needs_extra
from loop.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

DIMENSIONS = 256  # of the vectors in the wheel


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    """Return the mean vector of the tokens of each text (n, 256), of length one; of a text without tokens zero.

    Raises
    ------
    ConfigError
        If wordllama is not installed, or lacks its weights.
    """
    model = word_vectors()
    if not len(texts):
        return np.empty((0, DIMENSIONS))
    means = np.asarray(model.embed(list(texts)), dtype=np.float64)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    vectors: np.ndarray = np.divide(means, lengths, out=np.zeros_like(means), where=lengths > 0)
    return vectors


@cache
def word_vectors() -> Any:
    """Load the weights and the tokenizer that lie in the package, once; nothing is downloaded."""
    with needs_extra("StaticEmbeddings", "text"), _logging_as_it_was():
        package = import_module("wordllama")
    try:
        # Its own search misses the tokenizer in the wheel, so its folder is given as that of the cache.
        home = Path(str(package.__file__)).parent
        return package.WordLlama.load(dim=DIMENSIONS, cache_dir=home, disable_download=True)
    except FileNotFoundError as error:
        raise ConfigError(
            "wordllama must hold its weights, and the installed one does not: pip install --force-reinstall wordllama."
        ) from error


@contextmanager
def _logging_as_it_was() -> "Iterator[None]":
    """Undo what the import of wordllama does to the logging of the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level
        root.setLevel(level)
