"""Tables as MLflow's inputs of a run: what it was trained on, judged by, or made."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from loop.support.plain_json import Record
from loop.tracking.storable import DATASET_NAME, SCHEMA, within

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

TYPES = {"numeric": "double", "integer": "long", "boolean": "boolean", "datetime": "datetime"}  # MLflow's, by kind


def table_input(table: Record) -> "DatasetInput":
    """Return a table that a run works on, from its record; see `loop.tracking.records.dataset_record`."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    kinds = table.get("columns", {}).items()
    columns = [{"name": name, "type": TYPES.get(kind, "string"), "required": True} for name, kind in kinds]
    dataset = Dataset(
        name=within(table["name"], DATASET_NAME),
        digest=table["digest"],
        source_type="local",
        source=json.dumps({"uri": table["source"]}),
        schema=_schema(json.dumps({"mlflow_colspec": columns})) if columns else None,
        profile=json.dumps(table.get("profile", {})),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", table["context"])])


def rows_input(path: Path, name: str, context: str) -> "DatasetInput":
    """Return the new rows of a generation, a Parquet file."""
    from mlflow.data import from_pandas
    from mlflow.entities import Dataset, DatasetInput, InputTag

    frame, digest = pd.read_parquet(path), hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    head = frame.head(100)  # for the schema only, as MLflow checks every value
    dataset = from_pandas(head, source=str(path), name=name, digest=digest)
    told = dataset.to_dict()
    told |= {"profile": json.dumps({"num_rows": len(frame)}), "schema": _schema(told["schema"])}
    entity = Dataset.from_dictionary(told)
    return DatasetInput(entity, [InputTag("mlflow.data.context", context)])


def _schema(text: str) -> str | None:
    """Return the columns of a table, None for more than MLflow takes: they are in the run's folder."""
    return text if len(text) <= SCHEMA else None
