"""The parts of a catalogue that tables of columns alone can try."""

from typing import Any

from loop.catalogue import Catalogue
from loop.encoders import ANY, reads


def of_columns(catalogue: Catalogue[Any]) -> tuple[str, ...]:
    """Return the names of the parts that need no arrays beside the columns."""
    return tuple(name for name in catalogue.names() if reads(catalogue.kind(name)) in (None, ANY))
