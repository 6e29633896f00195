"""Databases of MLflow's records: reached within seconds or not at all, and whole from their first use on."""

import glob
import os
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

from filelock import FileLock

from loop.errors import ConfigError
from loop.support.atomic import remove, write_file

MLRUNS = "mlruns"  # where MLflow keeps the artifacts of a local store, in the working folder
UNFINISHED = ".partial"  # ending of what is not yet a database
PATIENCE = 120  # seconds to wait while another process creates the same database


def check_address(tracking_uri: str) -> None:
    """Refuse an address that cannot be read, or can be read in two ways.

    Libraries would tell its faults with the password in it, or take a piece of the password for the host.

    Raises
    ------
    ConfigError
        If its port is no number, or a server's has a query, or an @ after its host.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        if database(tracking_uri):
            make_url(tracking_uri)
            return
        _ = (read := urlsplit(tracking_uri)).port
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "tracking_uri must be an address such as sqlite:///mlflow.db, postgresql://host/name or "
            "http://host:5000, got something else: correct it, above all its port."
        ) from error
    if tracking_uri.startswith("http") and ("@" in read.path or read.query or read.fragment):
        raise ConfigError(
            "tracking_uri of a server must be http://host:port/path, and this one has signs that end it early: write "
            "@ / ? # of a password as %40 %2F %3F %23, or give a token by MLFLOW_TRACKING_TOKEN."
        )


def database(tracking_uri: str) -> bool:
    """Tell whether an address is that of a database."""
    return "://" in tracking_uri and not tracking_uri.startswith(("http", "file", "databricks"))


def knock(database_uri: str) -> None:
    """Connect to a database once: with a bad address, MLflow itself would retry for a hundred seconds.

    One of SQLite that does not exist is created under another name and renamed, as one that was left half-made by a
    kill could never be opened again, and by one process at a time.
    """
    from sqlalchemy import create_engine, make_url

    url = make_url(database_uri)
    path = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
    if path is not None and url.database != ":memory:" and not _is_there(path):
        _create(database_uri, path)
    engine = create_engine(url)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _create(database_uri: str, path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import make_url

    def write(partial: Path) -> None:
        # Under a name of its own: MLflow remembers for each name that its tables are there.
        with tempfile.TemporaryDirectory(UNFINISHED, f".{path.name}.", path.parent) as scratch:
            made = Path(scratch) / path.name
            uri = make_url(database_uri).set(database=str(made)).render_as_string(hide_password=False)
            SqlAlchemyStore(uri, local_root(MLRUNS))  # creates all tables
            made.rename(partial)

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with FileLock(lock, timeout=PATIENCE):
        if not _is_there(path):
            _sweep(path)
            write_file(path, write)
    lock.unlink(missing_ok=True)  # whoever still waits for it finds the database


def _sweep(path: Path) -> None:
    """Remove what earlier attempts left when they were killed; whoever holds the lock is the only one at work."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{UNFINISHED}"):
        remove(left)


def local_root(folder: str) -> str:
    """Return a folder for artifacts as MLflow takes it: itself, or as a URI if its path looks like a part of one.

    MLflow would take %20 for a blank, cut at ? or #, and paste quotes into SQL.
    """
    path = Path(folder).absolute()
    return folder if quote(str(path)) == str(path) else path.as_uri()


def _is_there(path: Path) -> bool:
    return path.exists() and os.path.getsize(path) > 0
