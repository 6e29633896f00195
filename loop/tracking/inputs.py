"""Tables as MLflow's inputs of a run: what it was trained on, judged by, or made."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from loop.data.parquet_file import read_frame
from loop.errors import TrackingError
from loop.support.plain_json import Record

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

TYPES = {"numeric": "double", "integer": "long", "boolean": "boolean", "datetime": "datetime"}  # MLflow's, by kind


def table_input(table: Record) -> "DatasetInput":
    """Return a table that a run works on, from its record; see `loop.tracking.records.dataset_record`."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    kinds = table.get("columns", {}).items()
    columns = [{"name": name, "type": TYPES.get(kind, "string"), "required": True} for name, kind in kinds]
    dataset = Dataset(
        name=table["name"],
        digest=table["digest"],
        source_type="local",
        source=json.dumps({"uri": table["source"]}),
        schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
        profile=json.dumps(table.get("profile", {})),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", table["context"])])


def rows_input(path: Path, name: str, context: str) -> "DatasetInput":
    """Return the new rows of a generation, a Parquet file."""
    from mlflow.data import from_pandas
    from mlflow.entities import Dataset, DatasetInput, InputTag

    try:
        frame, digest = read_frame(path), hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())[:120]
        raise TrackingError(f"New rows must be as the run wrote them, and {path} is not ({why}): remove it.") from error
    head = frame.head(100)  # for the schema only, as MLflow checks every value
    dataset = from_pandas(head, source=str(path), name=name, digest=digest)
    entity = Dataset.from_dictionary({**dataset.to_dict(), "profile": json.dumps({"num_rows": len(frame)})})
    return DatasetInput(entity, [InputTag("mlflow.data.context", context)])
