"""What an SQLite file holds beside what its tables declare: SQLite keeps any value in any column, Optuna does not."""

import sqlite3
from contextlib import closing
from pathlib import Path

from loop.errors import ConfigError

STORED = {  # part of a declared type -> how SQLite stores its values
    "INT": ("integer",),
    "CHAR": ("text",),
    "TEXT": ("text",),
    "DATETIME": ("text",),
    "FLOAT": ("real", "integer"),
}


def check_stored_types(path: Path) -> None:
    """Refuse an SQLite file in which a value is not of the type that its column declares.

    Raises
    ------
    ConfigError
        If there is such a value, or the file cannot be read.
    """
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as opened:
            odd = _odd_column(opened)
    except sqlite3.Error as error:
        raise ConfigError(
            f"a study must be an SQLite file, and {path} cannot be read ({error}): restore it, or delete it to begin "
            "anew."
        ) from error
    if odd is not None:
        raise ConfigError(
            f"a study must hold values of the types that its tables declare, and {odd} in {path} has others: restore "
            "it, or delete it to begin anew."
        )


def _odd_column(opened: sqlite3.Connection) -> str | None:
    """Return the first column that holds a value of another type, None if there is none."""
    tables = opened.execute("select name from sqlite_master where type = 'table'").fetchall()
    for (table,) in tables:
        for _, column, declared, *_ in opened.execute(f"pragma table_info({_quoted(table)})").fetchall():
            allowed = next((stored for part, stored in STORED.items() if part in declared.upper()), None)
            if allowed is None:
                continue
            marks = ", ".join("?" for _ in allowed)
            query = f"select 1 from {_quoted(table)} where typeof({_quoted(column)}) not in ('null', {marks}) limit 1"
            if opened.execute(query, allowed).fetchone():
                return f"{table}.{column}"
    return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
