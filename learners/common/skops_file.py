"""Files of skops read as plain values: nothing that a file names is imported, made or called.

skops makes objects while it reads, with whatever state a file holds: a tree of scikit-learn with a child out of range
reads foreign memory once it is asked. Here a file gives numbers, lists, arrays and `Thing`s, which a learner checks
before it makes its own objects of them. It also reads faster.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loop.errors import DataError
from loop.support import record_checks as checks
from loop.support.own_files import own_file
from loop.support.plain_json import parse

LARGEST = 2**33  # bytes of all members together, unpacked
DEEPEST = 60  # levels of the schema; skops writes about twenty for a pipeline
_NODE = checks.fields(dict.fromkeys(("__class__", "__module__", "__loader__"), checks.text))
_ARRAY = checks.fields({"type": checks.text_in(("numpy",)), "file": checks.text})


@dataclass(frozen=True, eq=False)
class Thing:
    """An object as the file describes it."""

    kind: str  # module and class
    state: Mapping[str, Any] = field(default_factory=dict)
    args: Sequence[Any] = ()  # of its constructor


def read(path: Path) -> Any:
    """Return what a file of skops holds, as plain values.

    Raises
    ------
    DataError
        If it is damaged, or holds what the learners here never save.
    """
    try:
        with zipfile.ZipFile(own_file(path)) as archive:
            if sum(each.file_size for each in archive.infolist()) > LARGEST:
                raise DataError(f"it unpacks to more than {LARGEST:,} bytes")
            names = set(archive.namelist())
            if "schema.json" not in names:
                raise DataError("it has no schema.json")
            return _Reader(archive, names).value(parse(archive.read("schema.json")), 0)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, MemoryError, RuntimeError) as error:
        # zipfile: RuntimeError for an encrypted member; numpy: ValueError, EOFError, and MemoryError for a huge shape
        why = " ".join(str(error).split())[:120]
        raise DataError(f"{path} must be a whole file of skops, and is not ({why}): save the model again.") from error


@dataclass(frozen=True)
class _Reader:
    archive: zipfile.ZipFile
    names: set[str]

    def value(self, told: object, depth: int) -> Any:
        """Return the value that a node of the schema describes."""
        if depth > DEEPEST:
            raise DataError("its schema is nested too deeply")
        node = _NODE(told, "a node")
        kind, loader, content = f"{node['__module__']}.{node['__class__']}", node["__loader__"], node.get("content")
        if loader == "JsonNode":
            return parse(checks.text(content, "a node of JSON"))
        if loader in ("ListNode", "TupleNode"):
            return [self.value(each, depth + 1) for each in checks.listed(checks.anything)(content, "a list")]
        if loader == "DictNode":
            return self.mapping(content, depth)
        if loader == "NdArrayNode":
            return self.array(_ARRAY(node, "an array")["file"])
        if loader in ("TypeNode", "DTypeNode", "FunctionNode"):
            return Thing(kind)
        if loader in ("ObjectNode", "TreeNode"):
            state = {} if content is None else self.value(content, depth + 1)
            reduced = checks.fields({}, {"args": checks.anything})(node.get("__reduce__", {}), "its arguments")
            args = self.value(reduced["args"], depth + 1) if "args" in reduced else ()
            if not isinstance(state, dict) or not isinstance(args, list | tuple):
                raise DataError(f"the state of {kind[:80]} is no mapping")
            return Thing(kind, state, args)
        raise DataError(f"it holds a {loader[:40]}")

    def mapping(self, content: object, depth: int) -> dict[str, Any]:
        held = checks.mapped(checks.anything)(content, "a mapping")
        return {key: self.value(each, depth + 1) for key, each in held.items()}

    def array(self, name: str) -> np.ndarray:
        """Read an array; objects are refused."""
        if name not in self.names:
            raise DataError(f"it has no {name[:80]}")
        array: np.ndarray = np.lib.format.read_array(io.BytesIO(self.archive.read(name)), allow_pickle=False)
        return array


def thing(value: object, kinds: Sequence[str], place: str) -> Thing:
    """Return a thing, once sure that it is one of some classes.

    Raises
    ------
    DataError
        If it is not.
    """
    if not isinstance(value, Thing) or value.kind not in kinds:
        got = value.kind if isinstance(value, Thing) else type(value).__name__
        checks.refuse(place, f"one of {', '.join(each.rpartition('.')[2] for each in kinds)}", got)
    return value


def numbers(value: object, shape: tuple[int | None, ...], place: str, kinds: str = "f") -> np.ndarray:
    """Return an array of numbers, once sure of its type and shape, where None stands for any length.

    Raises
    ------
    DataError
        If it is another one.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds or value.ndim != len(shape):
        checks.refuse(place, f"an array of {len(shape)} dimensions of numbers", _described(value))
    if any(wanted not in (None, got) for wanted, got in zip(shape, value.shape, strict=True)):
        checks.refuse(place, f"an array of shape {shape}", _described(value))
    return value


def _described(value: object) -> str:
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
