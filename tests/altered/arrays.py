"""Edits of named arrays, in NumPy archives, safetensors, skops files and Parquet."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from altered.values import edits, json_text
from safetensors.numpy import load_file, save_file

Arrays = dict[str, np.ndarray]
FileEdit = tuple[str, Callable[[Path], object]]  # its name, and what it does to a file

CHANGES: Mapping[str, Callable[[np.ndarray], np.ndarray | None]] = {
    "as text": lambda a: a.astype("U9"),
    "as other numbers": lambda a: a.astype(np.int32 if a.dtype.kind == "f" else np.float32),
    "as flags": lambda a: a.astype(bool),
    "as complex numbers": lambda a: a.astype(np.complex128),
    "as times": lambda a: a.astype(np.int64).astype("datetime64[s]"),
    "without a row": lambda a: a[:-1] if a.ndim and len(a) else None,
    "with a row more": lambda a: np.concatenate([a, a[-1:]]) if a.ndim and len(a) else None,
    "without rows": lambda a: a[:0] if a.ndim else None,
    "without a column": lambda a: a[..., :-1] if a.ndim > 1 else None,
    "in one dimension more": lambda a: a[None],
    "in no dimension": lambda a: a.reshape(-1)[0].reshape(()) if a.size else None,
    "with NaN": lambda a: _with(a, np.nan) if a.dtype.kind == "f" else None,
    "with infinity": lambda a: _with(a, np.inf) if a.dtype.kind == "f" else None,
    "with minus one": lambda a: _with(a, -1) if a.dtype.kind in "if" else None,
    "with minus seven": lambda a: _with(a, -7) if a.dtype.kind in "if" else None,
    "with 99": lambda a: _with(a, 99) if a.dtype.kind in "iuf" else None,
    "with a huge number": lambda a: (
        _with(a, 2**30 if a.dtype.kind in "iu" else 1e300) if a.dtype.kind in "iuf" else None
    ),
    "turned round": lambda a: a[::-1].copy() if a.ndim and len(a) > 1 else None,
}


def _with(array: np.ndarray, value: float) -> np.ndarray | None:
    if not array.size:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        changed = array.copy()
        changed.reshape(-1)[-1] = np.asarray(value).astype(array.dtype)
    return changed


def edits_of_arrays(arrays: Arrays) -> Iterator[tuple[str, Arrays]]:
    """Yield named arrays with one of them altered, missing, or one too many."""
    for name, array in arrays.items():
        yield f"{name} missing", {key: each for key, each in arrays.items() if key != name}
        for told, change in CHANGES.items():
            try:
                changed = change(array)
            except (ValueError, TypeError):
                continue
            if changed is not None:
                yield f"{name} {told}", {**arrays, name: changed}
    yield "one more", {**arrays, "odd": np.zeros(3)}
    yield "none", {}


def edits_of_npz(path: Path) -> Iterator[FileEdit]:
    """Yield edits of a NumPy archive, of a JSON record inside it too."""
    arrays: Arrays = dict(np.load(path, allow_pickle=False))
    record = arrays.pop("record", None)
    beside = {} if record is None else {"record": record}
    for name, changed in edits_of_arrays(arrays):
        yield name, lambda at, changed=changed: _save(at, {**changed, **beside})
    if record is not None:
        told = json.loads(record.tobytes())
        for name, text in edits(told, json_text):
            yield (
                f"record: {name}",
                lambda at, text=text, told=told: _save(
                    at, {**arrays, "record": np.frombuffer(text(told).encode(), np.uint8)}
                ),
            )
    yield "an array of objects", lambda at: _save(at, {**arrays, **beside, next(iter(arrays)): np.array([{}, None])})
    yield "a header of a huge shape", lambda at: at.write_bytes(_huge(next(iter(arrays))))
    yield (
        "encrypted",
        lambda at: at.write_bytes(
            path.read_bytes().replace(b"PK\x01\x02\x14\x00\x14\x00\x00", b"PK\x01\x02\x14\x00\x14\x00\x01")
        ),
    )


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=True, **arrays)


def _huge(name: str) -> bytes:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1000), }"
    head += b" " * (118 - len(head) - 1) + b"\n"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    return held.getvalue()


def edits_of_safetensors(path: Path) -> Iterator[FileEdit]:
    """Yield edits of a file of weights."""
    for name, changed in edits_of_arrays(load_file(path)):
        if all(array.dtype.kind in "fiub" for array in changed.values()):
            yield (
                name,
                lambda at, changed=changed: save_file({k: np.ascontiguousarray(v) for k, v in changed.items()}, at),
            )
    size = int.from_bytes(path.read_bytes()[:8], "little")
    yield "a huge header", lambda at: at.write_bytes((2**40).to_bytes(8, "little") + path.read_bytes()[8:])
    head = json.loads(path.read_bytes()[8 : 8 + size])
    for name, text in edits(head, json_text):
        yield f"header: {name}", lambda at, text=text: _headed(at, path.read_bytes()[8 + size :], text(head))


def _headed(path: Path, rest: bytes, head: str) -> None:
    path.write_bytes(len(head.encode()).to_bytes(8, "little") + head.encode() + rest)


def edits_of_skops(path: Path) -> Iterator[FileEdit]:
    """Yield edits of the schema of a skops file and of the arrays in it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    for name, text in edits(schema, json_text):
        yield f"schema: {name}", lambda at, text=text: _zipped(at, {**members, "schema.json": text(schema).encode()})
    for member, held in members.items():
        if not member.endswith(".npy"):
            continue
        array = np.load(io.BytesIO(held), allow_pickle=False)
        changes = _edits_of_nodes(array) if array.dtype.names else edits_of_arrays({"array": array})
        for name, changed in changes:
            if changed.get("array") is not None:
                yield (
                    f"{member[:12]}: {name}",
                    lambda at, member=member, changed=changed: _zipped(at, {**members, member: _npy(changed["array"])}),
                )


def _edits_of_nodes(nodes: np.ndarray) -> Iterator[tuple[str, Arrays]]:
    """Yield edits of the nodes of a tree of scikit-learn, field by field."""
    for name in nodes.dtype.names or ():
        for value in (-1, -7, 0, 1, len(nodes), 10**6, 2**31 - 1):
            for at in (0, len(nodes) - 1):
                changed = nodes.copy()
                with np.errstate(over="ignore"):
                    changed[name][at] = np.asarray(value).astype(nodes.dtype[name])
                yield f"{name} of node {at} is {value}", {"array": changed}
    yield "without a node", {"array": nodes[:-1]}
    yield "without nodes", {"array": nodes[:0]}
    yield "of other fields", {"array": np.zeros(len(nodes), [("a", "i4")])}


def _npy(array: np.ndarray) -> bytes:
    held = io.BytesIO()
    np.save(held, array, allow_pickle=False)
    return held.getvalue()


def _zipped(path: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def edits_of_parquet(path: Path) -> Iterator[FileEdit]:
    """Yield edits of columns, types, rows and what pandas writes beside them."""
    table = pq.read_table(path)
    for name in table.column_names:
        yield f"{name} missing", lambda at, name=name: pq.write_table(table.drop_columns([name]), at)
        yield f"{name} twice", lambda at, name=name: pq.write_table(table.append_column(name, table[name]), at)
        for told, changed in _columns(table[name]):
            spot = table.column_names.index(name)
            yield (
                f"{name} {told}",
                lambda at, spot=spot, name=name, changed=changed: pq.write_table(
                    table.set_column(spot, name, changed), at
                ),
            )
    yield "a column more", lambda at: pq.write_table(table.append_column("odd", pa.nulls(len(table))), at)
    yield "without a row", lambda at: pq.write_table(table.slice(0, len(table) - 1), at)
    yield "without rows", lambda at: pq.write_table(table.slice(0, 0), at)
    yield "a row more", lambda at: pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), at)
    yield "columns in another order", lambda at: pq.write_table(table.select(table.column_names[::-1]), at)
    told = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    for name, text in [*edits(told, json_text), *_indices(told)]:
        yield (
            f"pandas: {name}",
            lambda at, text=text: pq.write_table(table.replace_schema_metadata({b"pandas": text(told).encode()}), at),
        )
    yield "pandas: no JSON", lambda at: pq.write_table(table.replace_schema_metadata({b"pandas": b"\xff\xfe{"}), at)


def _indices(told: dict[str, object]) -> Iterator[tuple[str, Callable[[object], str]]]:
    base = {"columns": [], "column_indexes": [], **told}
    ranged = {"kind": "range", "name": None, "start": 0, "stop": 3, "step": 0}
    for name, index in {"a missing index": ["gone"], "a range without steps": [ranged], "numbers": [1, 2]}.items():
        yield name, lambda value, index=index: json_text({**base, "index_columns": index})


def _columns(column: pa.ChunkedArray) -> Iterator[tuple[str, pa.Array]]:
    held, n = column.to_pylist(), len(column)
    yield "as text", pa.array(["odd" if each is None else str(each) for each in held])
    yield "as nulls", pa.nulls(n)
    yield "as lists", pa.array([[1, 2]] * n)
    yield "as maps", pa.array([{"a": 1}] * n)
    yield "as bytes", pa.array([b"\xff"] * n)
    yield "as times", pa.array([0] * n, pa.timestamp("s"))
    yield "as decimals", pa.array([0] * n, pa.decimal128(5, 2))
    yield "as flags", pa.array([True] * n)
    yield "as categories", pa.array(["a"] * n).dictionary_encode()
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        for value in (-1, -7, 99, 2**40):
            yield (
                f"with {value}",
                pa.array(
                    [value, *held[1:]],
                    column.type if pa.types.is_floating(column.type) or pa.types.is_int64(column.type) else pa.int64(),
                ),
            )
        yield "as single precision", pa.array([None if each is None else float(each) for each in held], pa.float32())
        for value in (float("nan"), float("inf"), 1e300):
            yield f"with {value}", pa.array([value, *map(float, [each or 0 for each in held[1:]])])
        yield "with a null", pa.array([None, *held[1:]], column.type)
