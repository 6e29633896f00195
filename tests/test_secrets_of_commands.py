"""A password in any address that a command is given is seen nowhere: not on the screen, not in a file that it wrote."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from asked_runs import call
from small_runs import content, frame, write
from typer.testing import CliRunner

from experiments.cli.app import app

SECRET = "S3cr/et@S3cr:et"  # has what ends the password of an address elsewhere
TRACKED = [
    "postgresql://me:{}@127.0.0.1:9/db",
    "postgresql+psycopg://me:{}@127.0.0.1:9/db?sslmode=disable",
    "postgresql://127.0.0.1:9/db?user=me&password={}",
    "postgresql://me:{}@127.0.0.1:port/db",
    "mysql+pymysql://me:{}@127.0.0.1:9/db",
    "http://me:{}@127.0.0.1:9",
    "https://{}@127.0.0.1:9/api",
    "http://127.0.0.1:9/?token={}",
    "http://me:{}@[::1",
    "htp://me:{}@127.0.0.1:9",
    "mssql://me:{}@127.0.0.1:9/db",
]
STORED = [*TRACKED[:6], "sqlite://me:{}@/no/such.db", "me:{}@host/db"]
SCHEDULERS = ["tcp://me:{}@127.0.0.1:9", "tls://me:{}@127.0.0.1:9", "me:{}@127.0.0.1:9", "ucx://me:{}@host:x"]
SOURCES = ["postgresql://me:{}@host/table", "https://me:{}@127.0.0.1:9/t.csv", "s3://key:{}@bucket/t.parquet"]
TORN = [  # a line of YAML that no parser takes, or a key that no setting has
    "tracking_uri: 'postgresql://me:{}@host/db",
    "tracking_uri: [postgresql://me:{}@host/db",
    "tracking_uri: {{a: postgresql://me:{}@host/db}}",
    "tracking_ury: postgresql://me:{}@host/db",
    "postgresql://me:{}@host/db",
    "tracking_uri: postgresql://me:{}@host/db\n\tb: 1",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    place = tmp_path_factory.mktemp("run")
    settings = content(write(place, frame()), place / "out", generations=1) | {"arms": {"run": False}}
    (place / "config.yaml").write_text(yaml.safe_dump(settings | {"deliver": "loop"}))
    call("run", place / "config.yaml", "--tracking", "none")
    (made,) = (place / "out").iterdir()
    return made


@pytest.fixture
def place(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(run, tmp_path / "run")
    write(tmp_path, frame())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return tmp_path


def ends(place: Path, given: str, *words: object) -> str:
    """Call a command, which may end as it likes; return what was said and written, the file that was given apart."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code in (0, 2), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    files = [path for path in sorted(place.rglob("*")) if path.is_file() and path != place / given]
    held = [path.name for path in files if any(part in path.read_bytes() for part in parts())]
    assert held == []
    return result.output


def parts() -> Iterator[bytes]:
    """Yield the password, and how it is written where signs are replaced."""
    yield from (SECRET.encode(), b"S3cr", b"s3cr")


def check(said: str) -> None:
    assert said.strip()
    assert not any(part.decode() in said for part in parts()), said


@pytest.mark.parametrize("form", TRACKED)
def test_of_mlflow_in_its_file(form: str, place: Path) -> None:
    (place / "mlflow.yaml").write_text(yaml.safe_dump({"tracking_uri": form.format(SECRET)}))
    check(ends(place, "mlflow.yaml", "upload", "run", "--tracking", "mlflow.yaml"))


@pytest.mark.parametrize("form", TRACKED[4:8])
def test_of_mlflow_in_the_environment(form: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "MLFLOW_TRACKING_URI", form.format(SECRET))
    check(ends(place, "", "upload", "run"))


@pytest.mark.parametrize("form", TORN)
def test_of_a_torn_file(form: str, place: Path) -> None:
    (place / "mlflow.yaml").write_text(form.format(SECRET))
    check(ends(place, "mlflow.yaml", "upload", "run", "--tracking", "mlflow.yaml"))


@pytest.mark.parametrize("form", STORED)
def test_of_the_storage_of_a_search(form: str, place: Path) -> None:
    settings = content(Path("table.csv"), Path("out"))
    settings |= {"sources": [settings.pop("data")], "trials": 1, "space": {"loop.budget": {"low": 0.2, "high": 1.0}}}
    (place / "tune.yaml").write_text(yaml.safe_dump(settings | {"storage": form.format(SECRET)}))
    check(ends(place, "tune.yaml", "tune", "tune.yaml", "--tracking", "none"))


@pytest.mark.parametrize("form", SCHEDULERS)
def test_of_a_scheduler(form: str, place: Path) -> None:
    words = ("run", "--data", "table.csv", "--target", "fraud", "--tracking", "none", "--scale")
    check(ends(place, "", *words, f"dask={form.format(SECRET)}"))


@pytest.mark.parametrize("form", SOURCES)
@pytest.mark.parametrize("command", ["run", "generate", "schema"])
def test_of_a_source(form: str, command: str, place: Path) -> None:
    words = {"run": ("--dry-run",), "generate": ("--n", "5"), "schema": ()}[command]
    given = form.format(SECRET)
    positional = (given,) if command == "schema" else ("--data", given)
    check(ends(place, "", command, *positional, "--target", "fraud", *words))


def test_of_the_place_of_artifacts(place: Path) -> None:
    told = {"tracking_uri": f"sqlite:///{place}/mlflow.db", "artifact_root": f"s3://key:{SECRET}@bucket/prefix"}
    (place / "mlflow.yaml").write_text(yaml.safe_dump(told))
    said = CliRunner().invoke(app, ["upload", "run", "--tracking", "mlflow.yaml"])
    assert isinstance(said.exception, SystemExit | None)
    check(said.output)
