"""Edits of bytes, of text line by line, of tables of text, of SQLite files, and of XGBoost's models."""

import json
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from altered.arrays import FileEdit
from altered.values import edits

TYPES = {  # of the arrays in a tree of XGBoost
    **dict.fromkeys(("base_weights", "loss_changes", "split_conditions", "sum_hessian"), ("d", ">f4")),
    **dict.fromkeys(("left_children", "right_children", "parents", "split_indices", "categories"), ("l", ">i4")),
    **dict.fromkeys(("categories_nodes", "feature_segments", "sorted_idx"), ("l", ">i4")),
    **dict.fromkeys(("categories_segments", "categories_sizes"), ("L", ">i8")),
    **dict.fromkeys(("default_left", "split_type"), ("U", ">u1")),
}
WRONG = (-1, -7, 0, 1, 2, 10**6, 2**31 - 1)


def edits_of_bytes(path: Path, rng: np.random.Generator, times: int = 20) -> Iterator[FileEdit]:
    """Yield flips of single bytes, extreme words, and cuts at random places."""
    held = path.read_bytes()
    for _ in range(times):
        at, bits = int(rng.integers(len(held))), int(rng.integers(1, 256))
        flipped = held[:at] + bytes([held[at] ^ bits]) + held[at + 1 :]
        yield f"byte {at} flipped", lambda to, flipped=flipped: to.write_bytes(flipped)
        word = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"])
        worded = held[:at] + bytes(word) + held[at + 4 :]
        yield f"word at {at} extreme", lambda to, worded=worded: to.write_bytes(worded)
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        yield f"cut at {share}", lambda to, share=share: to.write_bytes(held[: int(share * len(held))])
    yield "doubled", lambda to: to.write_bytes(held * 2)
    yield "a folder", lambda to: (to.unlink(), to.mkdir())


def edits_of_booster(path: Path) -> Iterator[FileEdit]:
    """Yield edits of a model of XGBoost, written in its own binary format."""
    import xgboost as xgb

    told = json.loads(xgb.Booster(model_file=path).save_raw("json"))
    trees = told["learner"]["gradient_booster"]["model"]["trees"]
    for name in (key for key, value in trees[0].items() if isinstance(value, list)):
        for value in WRONG:
            for at in (0, 1, -1):
                yield (
                    f"{name}[{at}] is {value}",
                    lambda to, name=name, value=value, at=at: _write(to, told, name, value, at),
                )
        for length in (0, 1, -1, 5):
            yield (
                f"{name} of other length {length}",
                lambda to, name=name, length=length: _resized(to, told, name, length),
            )
    for name, text in edits(told, json.dumps):
        yield f"record: {name}", lambda to, text=text: _write_text(to, text(told))
    held = path.read_bytes()
    for key in (b"left_children", b"split_conditions", b"trees", b"iteration_indptr"):
        at = held.index(key) + len(key)
        for size in (2**62, 2**40, 2**31, -1):
            at_size = held.index(b"#L", at) + 2
            sized = held[:at_size] + struct.pack(">q", size) + held[at_size + 8 :]
            yield f"{key.decode()} said to be of {size}", lambda to, sized=sized: to.write_bytes(sized)
    yield "JSON of it", lambda to: to.write_text(json.dumps(told))
    yield "deeply nested", lambda to: to.write_bytes(b"{" + b"L\0\0\0\0\0\0\0\1a{" * 200_000)
    yield "deeply nested lists", lambda to: to.write_bytes(b"{L\0\0\0\0\0\0\0\1a" + b"[" * 2_000_000)


def alter_trees(path: Path, name: str, at: int, value: int) -> None:
    """Change one entry of an array in every tree of a model of XGBoost."""
    import xgboost as xgb

    _write(path, json.loads(xgb.Booster(model_file=path).save_raw("json")), name, value, at)


def _write(path: Path, told: Any, name: str, value: int, at: int) -> None:
    told = json.loads(json.dumps(told))
    for tree in told["learner"]["gradient_booster"]["model"]["trees"]:
        if tree[name]:
            tree[name][at if abs(at) < len(tree[name]) else 0] = value
        else:
            tree[name] = [value]
    path.write_bytes(ubjson(told))


def _resized(path: Path, told: Any, name: str, length: int) -> None:
    told = json.loads(json.dumps(told))
    for tree in told["learner"]["gradient_booster"]["model"]["trees"]:
        own = tree[name] or [0]
        tree[name] = [*own, *own, *own][: length if length >= 0 else len(own) - 1]
    path.write_bytes(ubjson(told))


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_bytes(ubjson(json.loads(text)))
    except (ValueError, RecursionError):
        path.write_text(text)


def ubjson(value: Any, name: str = "") -> bytes:
    """Write plain values as XGBoost does."""
    if isinstance(value, dict):
        return b"{" + b"".join(_size(key.encode()) + ubjson(each, key) for key, each in value.items()) + b"}"
    if isinstance(value, list):
        mark, dtype = TYPES.get(name, ("", ""))
        if mark and all(isinstance(each, int | float) for each in value):
            with np.errstate(all="ignore"):
                array = np.array(value, dtype=np.float64).astype(dtype)
            return b"[$" + mark.encode() + b"#L" + struct.pack(">q", len(value)) + array.tobytes()
        return b"[#L" + struct.pack(">q", len(value)) + b"".join(ubjson(each) for each in value)
    if isinstance(value, str):
        return b"S" + _size(value.encode())
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if value is None:
        return b"Z"
    if isinstance(value, float):
        return b"d" + struct.pack(">f", value if abs(value) < 3e38 or value != value else float("inf"))
    if -128 <= value < 128:
        return b"i" + struct.pack(">b", value)
    return b"L" + struct.pack(">q", max(-(2**63), min(value, 2**63 - 1)))


def _size(text: bytes) -> bytes:
    return b"L" + struct.pack(">q", len(text)) + text


TOKENS = (
    "-1",
    "0",
    "3",
    "99999999",
    "9999999999999999999",
    "1e400",
    "nan",
    "-inf",
    "odd",
    "",
    "0 0 0 0 0 0 0 0 0",
    "-5",
)


def edits_of_lines(path: Path) -> Iterator[FileEdit]:
    """Yield edits of a text of lines ``key=values``, such as a model of LightGBM."""
    lines = path.read_text().splitlines()
    chosen = [number for number, line in enumerate(lines) if "=" in line][:70]
    for number in chosen:
        key, _, values = lines[number].partition("=")
        yield f"{key} missing", lambda to, number=number: _lines(to, [*lines[:number], *lines[number + 1 :]])
        for token in TOKENS:
            for changed in {token, " ".join([token, *values.split()[1:]]), " ".join([*values.split()[:-1], token])}:
                yield (
                    f"{key} is {changed[:20]!r}",
                    lambda to, number=number, key=key, changed=changed: _lines(
                        to, [*lines[:number], f"{key}={changed}", *lines[number + 1 :]]
                    ),
                )


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


CELLS = (
    "",
    "odd",
    "-1",
    "99",
    "1e400",
    "nan",
    "inf",
    "0",
    "1.5",
    '"',
    "a\x00b",
    "=1+1",
    "x" * 200_000,
    "é\ud800",
    "p999999999999999999999999",
    "9" * 30,
)


def edits_of_table(path: Path) -> Iterator[FileEdit]:
    """Yield edits of a CSV file: cells, columns, rows and how it is written."""
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    for column in range(len(lines[0])):
        for cell in CELLS:
            for row in (0, 1):
                yield (
                    f"cell {row},{column} is {cell[:12]!r}",
                    lambda to, row=row, column=column, cell=cell: _cells(to, lines, row, column, cell),
                )
        yield (
            f"column {column} missing",
            lambda to, column=column: _rows(to, [[*line[:column], *line[column + 1 :]] for line in lines]),
        )
        yield (
            f"column {column} twice",
            lambda to, column=column: _rows(to, [[*line, *line[column : column + 1]] for line in lines]),
        )
    yield "without rows", lambda to: _rows(to, lines[:1])
    yield "without a row", lambda to: _rows(to, lines[:-1])
    yield "a row twice", lambda to: _rows(to, [*lines, lines[-1]])
    yield "without a header", lambda to: _rows(to, lines[1:])
    yield "in UTF-16", lambda to: to.write_text(path.read_text(), encoding="utf-16")
    yield "empty", lambda to: to.write_text("")
    yield "blank lines", lambda to: to.write_text("\n" * 50)


def _cells(path: Path, lines: list[list[str]], row: int, column: int, cell: str) -> None:
    changed = [list(line) for line in lines]
    changed[row][column : column + 1] = [cell]
    _rows(path, changed)


def _rows(path: Path, lines: list[list[str]]) -> None:
    path.write_bytes("\n".join(",".join(line) for line in lines).encode("utf-8", "surrogatepass") + b"\n")


def edits_of_database(path: Path) -> Iterator[FileEdit]:
    """Yield edits of an SQLite file: each column of each table, and tables that are gone."""
    with sqlite3.connect(path) as opened:
        tables = [name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")]
        columns = {table: [row[1] for row in opened.execute(f"pragma table_info({table})")] for table in tables}
    opened.close()
    for table in tables:
        yield f"no table {table}", lambda to, table=table: _execute(to, f"drop table {table}")
        yield f"nothing in {table}", lambda to, table=table: _execute(to, f"delete from {table}")
        for column in columns[table]:
            for value in ("'odd'", "-7", "null", "'[1, {\"a\": 2}]'", "'NaN'", "9e999", "x'ff00'", "'{'"):
                yield (
                    f"{table}.{column} is {value}",
                    lambda to, table=table, column=column, value=value: _execute(
                        to, f"update or ignore {table} set {column} = {value}"
                    ),
                )


def _execute(path: Path, statement: str) -> None:
    opened = sqlite3.connect(path)
    with opened:
        opened.execute("pragma ignore_check_constraints = on")
        with suppress(sqlite3.IntegrityError):  # the edit does not apply
            opened.execute(statement)
    opened.close()


YAML: dict[str, Callable[[str], str]] = {
    "a list as a key": lambda text: text + "? [1, 2]\n: 3\n",
    "a map as a key": lambda text: text + "? {a: 1}\n: 3\n",
    "a key of a list inside": lambda text: text + "odd: {[1]: 2}\n",
    "a null as a key": lambda text: text + "~: 3\n",
    "a NaN as a key": lambda text: text + ".nan: 3\n",
    "a number as a key": lambda text: text + "7: 3\n",
    "a deep key": lambda text: text + "? " + "[" * 5000 + "]" * 5000 + "\n: 3\n",
    "a bomb of aliases": lambda text: (
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(97 + i)}{i}: &b{i} [*a,*a,*a]\n" for i in range(9))
    ),
    "a merge": lambda text: text + "<<: {a: 1}\n",
    "a merge of an alias": lambda text: "x: &x {a: 1}\n" + text + "<<: *x\n",
    "a merge of a list": lambda text: text + "<<: [1, 2]\n",
    "a merge of text": lambda text: text + "<<: odd\n",
    "a tag of Python": lambda text: text + "odd: !!python/object/apply:os.system ['true']\n",
    "a set": lambda text: text + "odd: !!set {a, b}\n",
    "a set of lists": lambda text: text + "odd: !!set {[1], [2]}\n",
    "an ordered map": lambda text: text + "odd: !!omap [a: 1]\n",
    "an odd ordered map": lambda text: text + "odd: !!omap {a: 1}\n",
    "pairs": lambda text: text + "odd: !!pairs [1, 2]\n",
    "bytes": lambda text: text + "odd: !!binary aGVsbG8=\n",
    "bytes that are none": lambda text: text + "odd: !!binary é\n",
    "a number of another kind": lambda text: text + "odd: !!int [1]\n",
    "a number in letters": lambda text: text + "odd: !!int abc\n",
    "an empty number": lambda text: text + "odd: !!int ''\n",
    "an empty float": lambda text: text + "odd: !!float ''\n",
    "a flag of another kind": lambda text: text + "odd: !!bool maybe\n",
    "a time of another kind": lambda text: text + "odd: !!timestamp odd\n",
    "an impossible time": lambda text: text + "odd: !!timestamp 2024-99-99\n",
    "a map that is text": lambda text: text + "odd: !!map text\n",
    "a value of its own": lambda text: text + "=: 1\n",
    "deep lists": lambda text: "[" * 20_000,
    "deep maps": lambda text: "{a: " * 20_000,
    "deep blocks": lambda text: "- " * 20_000,
    "two documents": lambda text: text + "---\na: 1\n",
    "a directive": lambda text: "%YAML 9.9\n---\n" + text,
    "an odd directive": lambda text: "%TAG ! tag:x,2000:\n---\n" + text,
    "tabs": lambda text: "\t" + text,
    "a control character": lambda text: text + "odd: \x07\n",
    "a byte order mark": lambda text: "\ufeff" + text,
    "a key twice": lambda text: text + text,
    "a huge whole number": lambda text: text + "odd: " + "9" * 5000 + "\n",
    "a number of bases": lambda text: text + "odd: 0x\n",
    "an underscore": lambda text: text + "odd: 0b_\n",
    "a comment alone": lambda text: "# nothing\n",
    "text alone": lambda text: "odd\n",
    "a list alone": lambda text: "- 1\n",
    "nothing": lambda text: "",
}


def edits_of_yaml(path: Path) -> Iterator[FileEdit]:
    """Yield edits of the values of a YAML file, and of how it is written."""
    import yaml

    text = path.read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    for name, change in YAML.items():
        yield name, lambda to, change=change: to.write_text(change(text), encoding="utf-8")
    for name, written in edits(told, lambda value: yaml.safe_dump(value, sort_keys=False)):
        yield name, lambda to, written=written: to.write_text(written(told), encoding="utf-8")


def edits_of_json(path: Path) -> Iterator[FileEdit]:
    """Yield edits of the values of a JSON file, and keys that are given twice."""
    text = path.read_text(encoding="utf-8")
    told = json.loads(text)
    for name, written in edits(told, json.dumps):
        yield name, lambda to, written=written: to.write_text(written(told), encoding="utf-8")
    if isinstance(told, dict) and told:
        first = json.dumps(next(iter(told)))
        yield "a key twice", lambda to: to.write_text(text.replace("{", "{" + first + ": 1, ", 1), encoding="utf-8")


def edits_of_journal(path: Path) -> Iterator[FileEdit]:
    """Yield edits of the records of a journal, and lines of their own."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        told = json.loads(line)
        for name, written in edits(told, json.dumps):
            yield (
                f"{told['kind']} {name}",
                lambda to, number=number, written=written, told=told: _lines(
                    to, [*lines[:number], written(told), *lines[number + 1 :]]
                ),
            )
        yield f"without line {number}", lambda to, number=number: _lines(to, [*lines[:number], *lines[number + 1 :]])
        yield f"line {number} twice", lambda to, number=number: _lines(to, [*lines[: number + 1], *lines[number:]])
