"""A real PostgreSQL on a free port of this machine, for tests that need one."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlflow_serving import free_port

DEBIAN = Path("/usr/lib/postgresql")  # which keeps the programs of each version in a folder outside PATH
USER, PASSWORD = "keeper", "hunter2/x@y"  # with signs that addresses must quote
QUICK = ("fsync=off", "shared_buffers=16MB", "max_connections=60", "listen_addresses=127.0.0.1")
QUICK += ("unix_socket_directories=", "max_wal_size=256MB", "autovacuum=off")
SECONDS = 60  # to start


def missing() -> str:
    """Return why there can be no server here; "" if there can."""
    if not hasattr(os, "geteuid"):
        return "runs PostgreSQL on POSIX systems only"
    if _programs() is None:
        return "needs PostgreSQL: initdb and postgres, as of Debian's package postgresql"
    if find_spec("psycopg") is None:
        return "needs psycopg: pip install 'weakspot[postgres]'"
    if os.geteuid() == 0 and _other_user() is None:
        return "needs a user postgres or nobody, as PostgreSQL does not run as root"
    return ""


class PostgresServer:
    """A cluster in a folder of its own; it can be killed and started again, on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        password = folder / "password"
        password.write_text(PASSWORD)
        user = _other_user() if os.geteuid() == 0 else None
        self._as: dict[str, Any] = {}
        if user is not None:
            shutil.chown(folder, user)
            shutil.chown(password, user)
            self._as = {"user": user, "extra_groups": ()}
        where = [str(_program("initdb")), "-D", str(self.data), "--username", USER, "--pwfile", str(password)]
        kind = ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
        subprocess.run([*where, *kind], check=True, capture_output=True, cwd=folder, **self._as)

    @property
    def data(self) -> Path:
        """Folder of the cluster."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """Number of its first process, which ends all others with it."""
        if self._process is None:
            raise RuntimeError("the server must run: start it")
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database, with the password."""
        from sqlalchemy.engine import URL

        url = URL.create("postgresql", USER, PASSWORD, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # of a server that was killed
        settings = [word for each in (*QUICK, f"port={self.port}") for word in ("-c", each)]
        command = [str(_program("postgres")), "-D", str(self.data), *settings]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as)
        end = time.monotonic() + SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server at once, in the middle of whatever it does; what was committed is recovered at the start."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT, as `pg_ctl stop -m immediate`: SIGKILL would leave its children
            self._process.wait()
            self._process = None

    def query(self, text: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement, outside any transaction; return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(text)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def create(self, database: str, template: str = "template1") -> str:
        """Create a database, a copy of another one that nobody uses; return its address."""
        self.query(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.url(database)

    def _answers(self) -> bool:
        import psycopg

        try:
            self.query("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def shown(said: str | bytes) -> bool:
    """Tell whether a text holds the password, as it is or as addresses hold it."""
    text = said if isinstance(said, str) else said.decode(errors="replace")
    return PASSWORD.partition("/")[0] in text


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server; its folder is removed at the end."""
    # Not in a folder of pytest, which the other user cannot enter.
    with tempfile.TemporaryDirectory(prefix="weakspot-postgres-") as folder:
        server = PostgresServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _other_user() -> str | None:
    import pwd

    known = {each.pw_name for each in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _programs() -> Path | None:
    """Return the folder of the newest PostgreSQL that has all we need."""
    found = shutil.which("initdb")
    debian = [each / "bin" for each in DEBIAN.glob("*")]
    folders = [*sorted(debian, key=lambda each: each.parent.name.zfill(4), reverse=True)]
    folders += [Path(found).resolve().parent] if found else []
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


def _program(name: str) -> Path:
    folder = _programs()
    if folder is None:
        raise FileNotFoundError(name)
    return folder / name
