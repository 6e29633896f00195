"""Generated images, series and texts in a folder: each as a file of its kind, and their columns in a table."""

from importlib import import_module
from pathlib import Path

from experiments.arms.forms.form import kind_of
from loop.errors import ConfigError
from loop.types import Table

ROWS, SERIES = "rows.parquet", "series.npz"  # in the folder: columns and classes; all series


def check(made: Table, folder: Path) -> None:
    """Raise a ConfigError if rows have nothing that needs a folder."""
    if kind_of(made.schema) is None:
        raise ConfigError(f"--out must end in .csv or .parquet, as these rows are columns alone, got {folder}: rename.")


def write(made: Table, folder: Path) -> list[Path]:
    """Write the first array of rows into a folder, which is made, and return the files."""
    kind, schema = kind_of(made.schema), made.schema
    labels = [str(schema.classes[code]) for code in made.y]
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "text":
        return []  # texts are a column of the table
    place = folder / SERIES if kind == "series" else folder
    import_module(f"experiments.data.arrays.{kind}").save(place, made.rows.arrays[schema.arrays[0].column], labels)
    return sorted(path for path in folder.rglob("*") if path.is_file())
