"""Models in MLflow's registry: one version a run, and the versions of a model are all of the same data set."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from loop.support.plain_json import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"  # alias of a version that was proven to be better than the best plain model
DATASET = "dataset"  # tag of a registered model
DECIDED = "weakspot.champion"  # tag of a proven version: whether it was given the alias


def register(client: "MlflowClient", name: str, run_id: str, run_tags: Mapping[str, str], record: Record) -> None:
    """Register a model among the files of a run; the version that the run already has is updated instead.

    A proven version becomes the champion unless a run that began later is. That is decided once: when a journal is
    sent again, an alias that has been moved since stays where it is.

    Parameters
    ----------
    client : MlflowClient
    name : str
        Name of the registered model, see `registered_name`.
    run_id : str
    run_tags : mapping of str to str
        Of the run; ``dataset`` is the data set of the model.
    record : dict
        The journal's record of kind "register".
    """
    name = registered_name(client, name, run_tags.get(DATASET, ""))
    version = _version(client, name, run_id, record)
    if record["proven"] and DECIDED not in version.tags:
        crowned = _goes_to(client, name, version)
        if crowned:
            client.set_registered_model_alias(name, CHAMPION, version.version)
        client.set_model_version_tag(name, version.version, DECIDED, "given" if crowned else "a later run has it")


def registered_name(client: "MlflowClient", name: str, dataset: str) -> str:
    """Return the name of the registered model of a data set, which is made if it does not exist.

    The data set that is registered first has the name itself, every other one ``NAME-DATASET``.
    """
    own = f"{name}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', dataset)}"
    for each in (name, own):
        found = client.search_registered_models(f"name = '{each}'")
        if not found:
            client.create_registered_model(each, tags={DATASET: dataset})
            return each
        if found[0].tags.get(DATASET, dataset) == dataset:
            return each
    return own


def _version(client: "MlflowClient", name: str, run_id: str, record: Record) -> "ModelVersion":
    """Return the version of a run, with description and tags of the record."""
    description = record["description"][:5000] or None
    tags = {key: value[:5000] for key, value in record["tags"].items()}
    found = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    if not found:
        source = f"runs:/{run_id}/{record['folder']}"
        return client.create_model_version(name, source, run_id, tags=tags, description=description)
    version = min(found, key=lambda each: int(each.version))
    if version.description != description:
        client.update_model_version(name, version.version, description)
    for key, value in tags.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(name, version.version, key, value)
    return version


def _goes_to(client: "MlflowClient", name: str, version: "ModelVersion") -> bool:
    """Tell whether the alias goes to a proven version: not if the run of the champion began later."""
    champion = client.get_registered_model(name).aliases.get(CHAMPION)
    if champion is None or str(champion) == str(version.version):
        return True
    theirs = _began(client, client.get_model_version(name, str(champion)).run_id)
    mine = _began(client, version.run_id)
    return theirs is None or mine is None or theirs <= mine


def _began(client: "MlflowClient", run_id: str | None) -> int | None:
    """Return when a run began, in milliseconds; None if there is no such run."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.start_time if run_id else None
    except MlflowException:  # removed for good
        return None
