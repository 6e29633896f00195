"""A table's description in Croissant 1.1, with its provenance in the terms of PROV-O.

Akhtar et al. (2024), Croissant: a metadata format for ML-ready datasets; W3C (2013), PROV-O.
"""

import datetime
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas.api import types

from experiments.trust.provenance.record import Input, Provenance
from loop.support import atomic
from loop.support.plain_json import Record

FILE = "croissant.json"
ENDING = ".croissant.json"  # of one beside a table in a folder that is not ours
CONFORMS = "http://mlcommons.org/croissant/1.1"
FORMATS = {".csv": "text/csv", ".parquet": "application/x-parquet"}
TRAIL: Mapping[str, str] = {  # columns that say where a row comes from
    "ws_supply": "The supply that the row came from.",
    "ws_parents": "Numbers, from 0, of all rows of the table that it was made from; empty = of none alone.",
    "ws_weight": "Weight of the row in training.",
    "ws_kept": "Whether the generation that made the row was kept.",
    "ws_generation": "Generation of the loop that made the row, from 1.",
    "ws_region": "Weak region that the row was asked for, as a rule.",
    "ws_label": "Class that was asked for.",
    "ws_generator": "What made the row, with its version.",
    "ws_acquisition": "What chose the row among the proposals.",
    "ws_labeller": "Where its label is from.",
}
_PLAIN = re.compile(r"(?!\d+$)[A-Za-z0-9_.\-]+")  # names that stand in an id as they are
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


@dataclass(frozen=True)
class Making:
    """How a table was made: what is said of it beside its columns."""

    provenance: Provenance
    name: str
    description: str
    settings: Mapping[str, object]  # of what made it: command or configuration
    more: tuple[Input, ...] = ()  # inputs beside those of the run


def write_beside(table: Path, frame: pd.DataFrame, making: Making, path: Path | None = None) -> Path:
    """Describe a file of rows in a file beside it, and return its path.

    Parameters
    ----------
    table : Path
        A .csv or .parquet file.
    frame : DataFrame
        Its rows.
    making : Making
    path : Path, optional
        Of the description; by default the name of the table with `ENDING`.
    """
    path = path or table.with_name(f"{table.name}{ENDING}")
    atomic.write_json(path, described(table, frame, making))
    return path


def described(table: Path, frame: pd.DataFrame, making: Making) -> Record:
    """Return the description of a file of rows."""
    with table.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    provenance, today = making.provenance, datetime.date.today().isoformat()
    rows: Record = {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": list(_fields(table.name, frame))}
    licence = {"license": list(provenance.licences)} if provenance.licences else {}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": making.name,
        "description": making.description,
        **licence,
        "url": f"urn:sha256:{digest}",
        "citeAs": f"{making.name}, weakspot {provenance.weakspot}, run {provenance.run[:16]}",
        "creator": {"@type": "sc:Organization", "name": f"weakspot {provenance.weakspot}"},
        "datePublished": today,
        "dateCreated": today,
        "version": "1.0.0",
        "keywords": ["synthetic", "tabular"],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": table.name,
                "name": table.name,
                "contentUrl": table.name,
                "contentSize": f"{table.stat().st_size} B",
                "encodingFormat": FORMATS[table.suffix],
                "sha256": digest,
            }
        ],
        "recordSet": [rows],
        "prov:wasDerivedFrom": [_entity(each) for each in (*provenance.inputs, *making.more)],
        "prov:wasGeneratedBy": _activity(making),
    }


def _fields(file: str, frame: pd.DataFrame) -> Iterator[Record]:
    for number, name in enumerate(map(str, frame.columns)):
        yield {
            "@type": "cr:Field",
            "@id": f"rows/{name if _PLAIN.fullmatch(name) else number}",
            "name": name,
            "description": _meaning(name),
            "dataType": _type(frame[name]),
            "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
        }


def _meaning(name: str) -> str:
    if name in TRAIL:
        return TRAIL[name]
    given = name.removeprefix("ws_p_")
    return f"Probability of the class {given} that the row was taught with." if given != name else f"Column {name}."


def _type(column: pd.Series) -> str:
    """Return the type of a column in the terms of Croissant; whole numbers with missing values are numbers."""
    if types.is_bool_dtype(column.dtype) and not column.hasnans:
        return "sc:Boolean"
    if types.is_integer_dtype(column.dtype) and not column.hasnans:
        return "cr:Int64" if types.is_signed_integer_dtype(column.dtype) else "cr:UInt64"
    if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        return "cr:Float64"
    return "sc:DateTime" if types.is_datetime64_any_dtype(column.dtype) else "sc:Text"


def _entity(given: Input) -> Record:
    """Return an input as an entity of PROV-O, named by its digest."""
    told = {
        "@type": "prov:Entity",
        "@id": f"urn:sha256:{given.sha256}" if given.sha256 else f"urn:weakspot:source:{given.name}",
        "prov:label": f"{given.role}: {given.name}",
    }
    more = {"sc:sha256": given.sha256, "sc:license": given.licence, "sc:creditText": given.origin}
    return told | {key: value for key, value in more.items() if value}


def _activity(making: Making) -> Record:
    """Return the run as an activity of PROV-O, with the software that did it and its settings."""
    version = making.provenance.weakspot
    return {
        "@type": "prov:Activity",
        "@id": f"urn:weakspot:run:{making.provenance.run}",
        "prov:label": f"weakspot run {making.provenance.run}",
        "prov:wasAssociatedWith": {
            "@type": "prov:SoftwareAgent",
            "@id": f"urn:weakspot:version:{version}",
            "prov:label": f"weakspot {version}",
        },
        "prov:value": "; ".join(f"{name}: {value}" for name, value in making.settings.items()),
    }
