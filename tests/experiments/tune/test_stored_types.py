"""SQLite keeps any value in any column: a study with values of other types is refused before Optuna reads it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from experiments.tune.storage import sqlite_url
from experiments.tune.stored_types import check_stored_types
from loop.errors import ConfigError


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "it's a study?.db"
    storage = optuna.storages.RDBStorage(sqlite_url(path))
    made = optuna.create_study(study_name="s", storage=storage, directions=["maximize", "minimize"])
    made.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 3)), n_trials=3)
    trial = made.ask()
    trial.set_user_attr("note", "text")
    made.tell(trial, state=optuna.trial.TrialState.FAIL)
    return path


def columns(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as opened:
        tables = [name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")]
        filled = [name for name in tables if opened.execute(f"select 1 from {name}").fetchone()]
        return [(table, row[1]) for table in filled for row in opened.execute(f"pragma table_info({table})")]


def altered(path: Path, table: str, column: str, value: str) -> bool:
    """Set all values of a column, where SQLite takes that; an integer key, for one, can be nothing else."""
    try:
        with closing(sqlite3.connect(path)) as opened, opened:
            return opened.execute(f"update {table} set {column} = {value}").rowcount > 0
    except sqlite3.IntegrityError:
        return False


def test_what_optuna_writes_is_taken(study: Path) -> None:
    check_stored_types(study)


def test_bytes_in_any_column_are_refused(study: Path) -> None:
    whole, tried = study.read_bytes(), 0
    for table, column in columns(study):
        study.write_bytes(whole)
        if altered(study, table, column, "x'ff00'"):
            tried += 1
            with pytest.raises(ConfigError, match=f"{table}.{column}"):
                check_stored_types(study)
    assert tried >= 15


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("trials", "number", "'odd'"), ("trial_values", "value", "'much'"), ("trials", "number", "0.5")],
)
def test_values_of_another_type_are_refused(study: Path, table: str, column: str, value: str) -> None:
    assert altered(study, table, column, value)
    with pytest.raises(ConfigError, match=rf"{table}\.{column} in .* has others"):
        check_stored_types(study)


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 200])
def test_what_is_no_database_is_refused(study: Path, content: bytes) -> None:
    study.write_bytes(content)
    with pytest.raises(ConfigError, match="must be an SQLite file"):
        check_stored_types(study)
