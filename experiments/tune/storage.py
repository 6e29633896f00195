"""The database of a study: reached in time, made by one process, and what becomes of the search if it is lost."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from experiments.tune.config import TuneConfig
from loop.errors import ConfigError, WeakspotError, causes
from loop.support.secrets import masked
from loop.tracking.postgres import MissingDriver, one_at_a_time, reachable

HEARTBEAT = 30  # seconds between heartbeats of a trial; after two minutes without one it counts as failed
SQLITE_PATIENCE = 60  # seconds that a worker waits for the lock of the database
LOST = (StorageInternalError, SQLAlchemyError, UnboundLocalError)  # the last from optuna, where it ends such a trial


class Storage(optuna.storages.RDBStorage):  # type: ignore[misc]
    """Optuna's storage, in which a heartbeat that is missed ends nothing: another comes."""

    def record_heartbeat(self, trial_id: int) -> None:
        """Tell that the trial goes on."""
        with suppress(SQLAlchemyError, StorageInternalError):
            super().record_heartbeat(trial_id)


def open_storage(url: str, *, beating: bool = True) -> Storage:
    """Open a storage, or make its tables.

    Parameters
    ----------
    url : str
    beating : bool
        Whether its trials have heartbeats.

    Raises
    ------
    ConfigError
        If it cannot be reached.
    """
    sqlite = url.startswith("sqlite")
    options: dict[str, Any] = {"connect_args": {"timeout": SQLITE_PATIENCE}} if sqlite else {"pool_pre_ping": True}
    try:
        address = reachable(url)
        with one_at_a_time(address), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            beat = HEARTBEAT if beating else None
            return Storage(address, engine_kwargs=options, heartbeat_interval=beat, grace_period=4 * HEARTBEAT)
    except MissingDriver:
        raise
    except (SQLAlchemyError, StorageInternalError, ImportError, ValueError, RuntimeError) as error:
        # ImportError: no driver. RuntimeError: RDBStorage, for tables of another version of optuna.
        why = type(error).__name__
        raise ConfigError(
            f"storage must be a database that can be reached, and {masked(url)} is not ({why}): "
            "check address, rights and driver."
        ) from error


def sqlite_url(path: Path) -> str:
    """Return the address of an SQLite file, whatever signs are in its path."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string()


@contextmanager
def guarded(config: TuneConfig) -> Iterator[None]:
    """Tell in one sentence if the database does not take or give trials any more.

    Raises
    ------
    WeakspotError
        Instead of the errors of the database.
    """
    try:
        yield
    except LOST as error:
        cause = next((each for each in causes(error) if isinstance(each, SQLAlchemyError)), None)
        if cause is None:
            raise
        raise lost(config, str(cause)) from error


def lost(config: TuneConfig, why: str = "") -> WeakspotError:
    """Return the error of a search whose database was lost."""
    told = f" ({(why.strip().splitlines() or [''])[0][:100]})" if why else ""
    where = "the study in its folder" if config.storage is None else masked(config.storage)
    return WeakspotError(
        masked(f"storage must take every trial, and {where} does not{told}: once it does, the same command goes on.")
    )


def check_apart(config: TuneConfig, tracking_uri: str | None) -> None:
    """Refuse a storage that is also MLflow's: both note the version of their tables under one name.

    Raises
    ------
    ConfigError
        If they are the same database.
    """
    if config.storage is not None and tracking_uri is not None and _place(config.storage) == _place(tracking_uri):
        raise ConfigError(
            f"storage must be a database of its own, and {masked(config.storage)} is that of MLflow: name another, "
            "on the same server if you like."
        )


def _place(address: str) -> tuple[object, ...]:
    if "://" not in address or address.startswith(("http", "file", "databricks")):
        return (address,)
    url = make_url(address)
    kind = url.get_backend_name()
    if kind == "sqlite":
        return kind, str(Path(url.database or "").absolute())
    return kind, url.host, url.port or (5432 if kind == "postgresql" else None), url.database
