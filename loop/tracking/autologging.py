"""MLflow's automatic logging, which would record each of the many fits of a loop as a run of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext


@contextmanager
def unlogged() -> Iterator[None]:
    """Switch automatic logging off meanwhile, if MLflow is loaded at all."""
    module = sys.modules.get("mlflow.utils.autologging_utils")
    with nullcontext() if module is None else module.disable_autologging():
        yield
