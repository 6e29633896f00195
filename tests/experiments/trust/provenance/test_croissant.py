"""A description says what the table holds and where it is from, in the terms of Croissant and PROV-O."""

import hashlib
import importlib.util
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.data.files import write_table
from experiments.trust.provenance.croissant import ENDING, TRAIL, Making, write_beside
from experiments.trust.provenance.record import BOOK, TABLE, Input, Provenance

MADE_FROM = Provenance(
    "ab" * 32,
    "1.2.3",
    (Input(TABLE, "cards.csv", "12" * 32, "CC-BY-4.0", "a bank"), Input(BOOK, "rules.yaml", None)),
)
MAKING = Making(MADE_FROM, "cards synthetic rows", "Synthetic rows.", {"n": 3, "where": "amount > 3"})
needs_mlcroissant = pytest.mark.skipif(
    importlib.util.find_spec("mlcroissant") is None, reason="mlcroissant is not installed: pip install 'weakspot[dev]'"
)


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [1.5, np.nan, 3.25],
            "age": [20, 30, 40],
            "shop": ["book", None, "toys"],
            "abroad": [True, False, True],
            "at": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]),
            "a/b \n\u202e": [1, 2, 3],
            "7": [1.0, 2.0, 3.0],
            "ws_generation": [1, 1, 2],
            "ws_parents": ["17,203", "", "4"],
            "ws_p_yes": [0.25, 0.5, 1.0],
        }
    )


@pytest.fixture(params=[".csv", ".parquet"])
def described(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    table = tmp_path / f"rows{request.param}"
    write_table(rows(), table)
    return table, write_beside(table, rows(), MAKING)


def test_inputs_and_run_are_told_with_digest_licence_and_origin(described: tuple[Path, Path]) -> None:
    table, path = described
    assert path == table.with_name(f"{table.name}{ENDING}")
    told = json.loads(path.read_text())
    assert told["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert told["license"] == ["CC-BY-4.0"]
    assert told["distribution"][0]["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    cards, book = told["prov:wasDerivedFrom"]
    assert cards["@id"] == f"urn:sha256:{'12' * 32}"
    assert (cards["sc:license"], cards["sc:creditText"]) == ("CC-BY-4.0", "a bank")
    assert book["@id"] == "urn:weakspot:source:rules.yaml"
    run = told["prov:wasGeneratedBy"]
    assert run["@id"] == f"urn:weakspot:run:{'ab' * 32}"
    assert "1.2.3" in run["prov:wasAssociatedWith"]["prov:label"]
    assert run["prov:value"] == "n: 3; where: amount > 3"


def test_each_column_is_a_field_and_the_trail_is_explained(described: tuple[Path, Path]) -> None:
    fields = json.loads(described[1].read_text())["recordSet"][0]["field"]
    assert [each["source"]["extract"]["column"] for each in fields] == list(rows())
    assert len({each["@id"] for each in fields}) == len(fields)
    meaning = {each["name"]: each["description"] for each in fields}
    assert meaning["ws_parents"] == TRAIL["ws_parents"]
    assert "class yes" in meaning["ws_p_yes"]
    kinds = {each["name"]: each["dataType"] for each in fields}
    assert kinds["amount"] == "cr:Float64"
    assert kinds["age"] == "cr:Int64"
    assert kinds["shop"] == "sc:Text"
    assert kinds["abroad"] == "sc:Boolean"
    assert kinds["at"] == "sc:DateTime"


@needs_mlcroissant
@pytest.mark.filterwarnings("default")
def test_mlcroissant_finds_no_fault_and_reads_the_rows(described: tuple[Path, Path]) -> None:
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    dataset = mlcroissant.Dataset(described[1])
    assert dataset.metadata.issues.errors == set()
    assert dataset.metadata.issues.warnings == set()
    records = list(dataset.records("rows"))
    assert len(records) == 3
    assert [each["rows/age"] for each in records] == [20, 30, 40]
    assert [each["rows/abroad"] for each in records] == [True, False, True]
    assert records[0]["rows/ws_parents"] == b"17,203"
    assert records[2]["rows/5"] == 3
    assert dataset.metadata.to_json()["prov:wasDerivedFrom"]


@needs_mlcroissant
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("fault", ["no type of a field", "a field of no file", "no columns"])
def test_mlcroissant_bites(described: tuple[Path, Path], fault: str) -> None:
    import mlcroissant

    told = json.loads(described[1].read_text())
    field = told["recordSet"][0]["field"][0]
    if fault == "no type of a field":
        field["@type"] = "cr:Nothing"
    elif fault == "a field of no file":
        field["source"]["fileObject"]["@id"] = "elsewhere.csv"
    else:
        told["recordSet"] = {"@type": "cr:Field"}
    described[1].write_text(json.dumps(told))
    with pytest.raises((mlcroissant.ValidationError, ValueError)):
        mlcroissant.Dataset(described[1])
