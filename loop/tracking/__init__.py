"""Trackers, which store the records of a run. MLflow is imported only when a run starts."""

from loop.tracking.jsonl import JsonlTracker, read_records
from loop.tracking.mlflow import MlflowSettings, MlflowTracker, load_settings, runs_page
from loop.tracking.null import NullTracker
from loop.tracking.replay import replay

__all__ = [
    "JsonlTracker",
    "MlflowSettings",
    "MlflowTracker",
    "NullTracker",
    "load_settings",
    "read_records",
    "replay",
    "runs_page",
]
