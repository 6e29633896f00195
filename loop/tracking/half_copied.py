"""Files that a kill left half-copied among the artifacts of a run, where MLflow keeps those in a local folder."""

import time
from contextlib import suppress
from pathlib import Path

UPLOADING = ".artifact.uploading.*"  # MLflow's own temporary names
STILL = 60  # seconds without a write: nobody copies any more


def sweep_half_copied(artifact_uri: str) -> None:
    """Remove files that nobody copies any more; elsewhere than in a local folder, do nothing.

    MLflow copies under a temporary name, shows it as an artifact, and never removes it after a kill.
    """
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    if not is_local_uri(artifact_uri):
        return
    for left in Path(local_file_uri_to_path(artifact_uri)).rglob(UPLOADING):
        with suppress(FileNotFoundError):  # it got its name meanwhile
            if time.time() - left.stat().st_mtime > STILL:
                left.unlink()
