"""A real MLflow server on a database, for tests that need one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def mlflow_server(port: int, folder: Path, store: str) -> Iterator[str]:
    """Serve a database and yield the address; the server is killed without warning at the end."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    where = ["--backend-store-uri", store, "--artifacts-destination", str(folder / "a")]
    quietly = {**os.environ, "PYTHONWARNINGS": "ignore", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quietly |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # half a dozen processes that no test needs
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            [*command, *where], cwd=folder, env=quietly, stdout=log, stderr=log, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(f"{address}/health", seconds=120)
        yield address
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def wait_until_healthy(url: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise TimeoutError(url)
