"""What all tests share: one thread a fit in every process, and one PostgreSQL for each process that needs it.

Several test processes with several threads each would wait for one another.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from postgres_server import PostgresServer

settings.register_profile("weakspot", deadline=None)  # no test is timed: how long one takes is the machine's affair
settings.load_profile("weakspot")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy loads, so before any test module; workers inherit it


@pytest.fixture(scope="session")
def cluster() -> Iterator["PostgresServer"]:
    from postgres_server import postgres_server

    with postgres_server() as server:
        yield server
