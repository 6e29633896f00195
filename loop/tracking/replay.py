"""Upload of the journal of a finished run to MLflow."""

from pathlib import Path

from loop.errors import TrackingError
from loop.tracking.jsonl import JOURNAL, read_records
from loop.tracking.mlflow import MlflowTracker


def replay(folder: Path, tracker: MlflowTracker) -> int:
    """Send all records of a folder to the tracker's MLflow and return their number.

    Records that MLflow already has are not duplicated, so an interrupted upload can be repeated.

    Raises
    ------
    TrackingError
        If the folder has no journal, or MLflow does not accept a record or register the model.
    """
    if not read_records(folder):
        raise TrackingError(f"An upload needs a folder with {JOURNAL}, got {folder}: give the folder of a run.")
    sent = tracker.upload(folder)
    for complaint in tracker.complaints():
        raise TrackingError(complaint)
    return sent
