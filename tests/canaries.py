"""Looking for the values of a row in files of any kind: as text, as numbers in binary, and inside what is packed."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq


def needles(texts: list[str], numbers: list[float]) -> list[bytes]:
    """Return what to look for: text in two encodings; numbers as text and as the bytes of four types."""
    found = [text.encode(code) for text in (*texts, *map(repr, numbers)) for code in ("utf-8", "utf-16-le")]
    return found + [struct.pack(form, number) for number in numbers for form in ("<d", ">d", "<f", ">f")]


def found_in(place: Path, wanted: list[bytes]) -> list[str]:
    """Return the files, at any depth, that hold one of them."""
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return [str(path) for path in files if any(each in piece for piece in pieces(path) for each in wanted)]


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the content of a file as it is, and unpacked: archives, gzip, column chunks of Parquet."""
    content = path.read_bytes()
    yield content
    if content[:4] == b"PAR1":
        table = pq.read_table(path)
        yield repr(table.schema.metadata).encode()
        for name in table.column_names:
            values = table.column(name).to_pandas()
            yield repr(values.tolist()).encode()
            if pd.api.types.is_numeric_dtype(values.dtype):
                yield values.to_numpy(dtype="<f8", na_value=float("nan")).tobytes()
    if content[:2] == b"PK":
        with zipfile.ZipFile(BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)
    if content[:2] in (b"x\x9c", b"x\x01", b"x\xda"):
        try:
            yield zlib.decompress(content)
        except zlib.error:
            return
