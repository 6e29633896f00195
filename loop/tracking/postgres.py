"""PostgreSQL as MLflow and Optuna reach it: with a driver that is installed, in time, and making tables one by one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from loop.errors import ConfigError

BACKEND = "postgresql"
DRIVERS = ("psycopg", "psycopg2")  # of libpq, which knows the limits below
CONNECT = ("connect_timeout", "PGCONNECT_TIMEOUT", "5")
# Seconds, and milliseconds for the last: a server that is gone without a word is noticed within a minute.
LIMITS = {"keepalives_idle": "20", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "30000"}
PATIENCE = 120  # seconds to wait while another process makes its tables
LOCK = 0x7765616B73706F74  # any number that nobody else would choose


class MissingDriver(ConfigError, ImportError):
    """No library that speaks to PostgreSQL is installed."""


def reachable(address: str) -> str:
    """Return an address of PostgreSQL with a driver and limits to waiting; any other address as it is.

    SQLAlchemy's own choice of a driver changes from version to version. What an address says itself wins.

    Raises
    ------
    MissingDriver
        If no driver is installed.
    """
    from sqlalchemy.engine import make_url

    if not address.startswith(BACKEND):
        return address
    url = make_url(address)
    if url.drivername == BACKEND:
        installed = next((driver for driver in DRIVERS if find_spec(driver)), None)
        if installed is None:
            raise MissingDriver(
                "PostgreSQL needs a driver, psycopg, and Python cannot import it: pip install 'weakspot[postgres]'."
            )
        url = url.set(drivername=f"{BACKEND}+{installed}")
    if url.get_driver_name() in DRIVERS:
        name, environment, seconds = CONNECT
        limits = LIMITS if environment in os.environ else LIMITS | {name: seconds}
        url = url.update_query_dict({key: value for key, value in limits.items() if key not in url.query})
    return url.render_as_string(hide_password=False)


@contextmanager
def one_at_a_time(address: str) -> Iterator[None]:
    """Let no other process in meanwhile: two that make the same tables at once would fail each other.

    The database itself holds the lock, so it counts for other machines, too, and ends with the process. Databases other
    than PostgreSQL are not locked.
    """
    from sqlalchemy import create_engine, text

    if not address.startswith(BACKEND):
        yield
        return
    engine = create_engine(address)
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            yield
    finally:
        engine.dispose()
