"""Names of registered models: the versions of one are all of the same data set, so that they can be compared."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"  # alias of a version that was proven to be better than the best plain model
DATASET = "dataset"  # tag of a registered model


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
