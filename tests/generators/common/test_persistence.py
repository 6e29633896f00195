"""A generator on disk: what is read back samples the same rows, and damaged folders are refused in one sentence."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import generator_makers
import numpy as np
import pytest
from imblearn.over_sampling import SMOTE

from generators import ImblearnAdapter, Neighbourhood, Reject, Resample
from generators.common.persistence import (
    Savable,
    load,
    read_settings,
    read_table,
    save,
    write_settings,
    write_table,
)
from loop.errors import ConfigError, DataError
from loop.rows import Rows
from loop.support import atomic
from loop.support.format import FORMAT
from loop.testing.tables import mixed_table
from loop.types import Column, Condition, Region, Request, Table

MAKERS: dict[str, Callable[[], Savable]] = {
    **{name: generator_makers.maker(name, short=True) for name in generator_makers.MAKERS},
    "neighbourhood of few": lambda: Neighbourhood(reference=100),
    "neighbourhood with settings": lambda: Neighbourhood(noise=0.5, neighbours=3),
    "imblearn with settings": lambda: ImblearnAdapter("SMOTE", {"k_neighbors": 3}),
    "reject with settings": lambda: Reject(Neighbourhood(swap=0.0), tries=7),
    "reject in reject": lambda: Reject(Reject(Resample(), tries=3)),
}
REQUESTS = (
    Request(Region(), None, 40),
    Request(Region((Condition(1, low=0.0), Condition(4, codes=frozenset({1})))), 1, 40),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def with_synthetic_rows() -> Table:
    """Build a table whose synthetic rows stand before and between the real ones."""
    table = mixed_table()
    generation = np.where(np.arange(len(table)) % 3 == 0, 1, 0)
    return replace(table, generation=generation, weight=rng().random(len(table)))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_read_back_samples_the_same_rows(make: Callable[[], Savable], tmp_path: Path) -> None:
    fitted = make().fit(with_synthetic_rows(), rng())
    save(fitted, tmp_path / "a")
    again = load(tmp_path / "a")
    save(again, tmp_path / "b")
    assert type(again) is type(fitted)
    for other in (again, load(tmp_path / "b")):
        for request in REQUESTS:
            mine, theirs = fitted.sample(request, rng(5)), other.sample(request, rng(5))
            for name in ("X", "y", "parents", "weight"):
                np.testing.assert_array_equal(getattr(mine.table, name), getattr(theirs.table, name))
            assert (mine.tried, mine.sampling_method) == (theirs.tried, theirs.sampling_method)


def test_another_process_reads_the_same_rows(tmp_path: Path) -> None:
    fitted = Neighbourhood().fit(mixed_table(), rng())
    save(fitted, tmp_path / "saved")
    code = """
import sys, numpy as np
from pathlib import Path
from generators.common.persistence import load
from loop.types import Region, Request
rows = load(Path(sys.argv[1])).sample(Request(Region(), 1, 30), np.random.default_rng(3)).table
sys.stdout.write(repr(rows.X.tobytes()))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "saved")], capture_output=True, text=True)
    assert done.stdout == repr(fitted.sample(Request(Region(), 1, 30), rng(3)).table.X.tobytes()), done.stderr


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_nothing_is_pickled(make: Callable[[], Savable], tmp_path: Path) -> None:
    save(make().fit(mixed_table(), rng()), tmp_path / "saved")
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds <= {".json", ".parquet", ".npz", ".ubj", ".safetensors"}
    for path in tmp_path.rglob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays)


def test_real_rows_come_back_bit_for_bit(tmp_path: Path) -> None:
    table = with_synthetic_rows()
    table.X[1, :2] = [0.1 + 0.2, -0.0]
    write_table(table, tmp_path / "rows.parquet")
    again, real = read_table(tmp_path / "rows.parquet", table.schema), table.take(table.is_real)
    assert again.X.tobytes() == real.X.tobytes()
    for name in ("y", "weight", "generation", "supply", "parents"):
        np.testing.assert_array_equal(getattr(again, name), getattr(real, name))


def test_arrays_beside_the_columns_come_back(tmp_path: Path) -> None:
    table = with_synthetic_rows()
    images = rng().integers(0, 255, (len(table), 1, 4, 4)).astype(np.uint8)
    texts = np.array([f"row {number}" for number in range(len(table))])
    fitted = Resample().fit(replace(table, rows=Rows(table.X, {"image": images, "text": texts})), rng())
    save(fitted, tmp_path / "saved")
    made = load(tmp_path / "saved").sample(REQUESTS[0], rng(5)).table
    at = made.parents[:, 0]
    assert len(made)
    np.testing.assert_array_equal(made.X, table.X[at])
    np.testing.assert_array_equal(made.rows.arrays["image"], images[at])
    np.testing.assert_array_equal(made.rows.arrays["text"], texts[at])
    assert made.rows.arrays["image"].dtype == np.uint8


def test_settings_facts_and_schema_come_back(tmp_path: Path) -> None:
    table = mixed_table()
    write_settings(Neighbourhood(noise=0.7), tmp_path / "new" / "folder", table.schema, steps=12, means=[0.5, 1.5])
    settings, learnt, schema = read_settings(tmp_path / "new" / "folder")
    assert Neighbourhood(**settings).noise == 0.7
    assert learnt == {"steps": 12, "means": [0.5, 1.5]}
    assert schema.names == table.schema.names
    assert schema.classes == table.schema.classes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(Resample().fit(mixed_table(), rng()), tmp_path / "saved")
    return tmp_path / "saved"


def changed(folder: Path, **values: object) -> None:
    path = folder / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no settings": (lambda folder: (folder / "settings.json").unlink(), "has none"),
    "no JSON": (lambda folder: (folder / "settings.json").write_text("{"), "must be the settings"),
    "a list": (lambda folder: (folder / "settings.json").write_text("[]"), "must be the settings"),
    "other keys": (
        lambda folder: (folder / "settings.json").write_text(f'{{"format": {FORMAT}}}'),
        "must be the settings",
    ),
    "another format": (lambda folder: changed(folder, format=99), "written by a newer weakspot"),
    "an unknown generator": (lambda folder: changed(folder, generator="os:system"), "holds 'os:system'"),
    "an unhashable name": (lambda folder: changed(folder, generator=["x"]), "holds"),
    "settings in a list": (lambda folder: changed(folder, settings=[1]), "must be the settings"),
    "unknown settings": (lambda folder: changed(folder, settings={"colour": 1}), "must be whole"),
    "a broken schema": (lambda folder: changed(folder, schema={"columns": 3}), "must be the settings"),
    "no rows": (lambda folder: (folder / "rows.parquet").unlink(), "must be whole"),
    "rows cut off": (
        lambda folder: (folder / "rows.parquet").write_bytes((folder / "rows.parquet").read_bytes()[:200]),
        "must be whole",
    ),
    "rows of another table": (
        lambda folder: write_table(replace_column(mixed_table(), 0, name="cost"), folder / "rows.parquet"),
        "rows.parquet has changed",
    ),
    "other settings": (lambda folder: changed(folder, learnt={"count": "many"}), "settings.json has changed"),
    "no list of files": (lambda folder: (folder / "files.json").unlink(), "must be whole"),
    "a list of files cut off": (lambda folder: (folder / "files.json").write_text('{"rows'), "must be whole"),
    "another list of files": (lambda folder: (folder / "files.json").write_text("[1, 2]"), "must be whole"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_folder_is_refused_in_one_sentence(
    damage: Callable[[Path], object], words: str, folder: Path
) -> None:
    damage(folder)
    with pytest.raises(DataError) as caught:
        load(folder)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_settings_are_refused_even_where_the_list_of_files_was_made_again(folder: Path) -> None:
    changed(folder, settings={"colour": 1})
    (folder / "files.json").unlink()
    atomic.seal(folder)
    with pytest.raises(DataError, match="has 'colour'"):
        load(folder)


@pytest.mark.parametrize(
    "schema",
    [{}, [], None, {"columns": [1]}, {"columns": [], "classes": [[1]]}, 3],
    ids=repr,
)
def test_a_schema_of_other_values_is_refused(schema: object, folder: Path) -> None:
    changed(folder, schema=schema)
    with pytest.raises(DataError, match="must be the settings of a saved generator"):
        load(folder)


@pytest.mark.parametrize("whole_bytes", [0, 5, 2000])
def test_weights_cut_off_are_refused(whole_bytes: int, tmp_path: Path) -> None:
    save(generator_makers.maker("vae", short=True)().fit(mixed_table(), rng()), tmp_path / "saved")
    (weights,) = (tmp_path / "saved").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:whole_bytes])
    with pytest.raises(DataError, match="must be whole"):
        load(tmp_path / "saved")


def test_one_byte_in_any_file_is_noticed_before_a_library_sees_it(tmp_path: Path) -> None:
    """A damaged tree once ended the process inside of XGBoost; other bytes were loaded without a word."""
    fitted = Reject(generator_makers.maker("forest_flow", short=True)()).fit(mixed_table(), rng())
    save(fitted, tmp_path / "saved")
    for path in [path for path in (tmp_path / "saved").rglob("*") if path.is_file()]:
        content = path.read_bytes()
        for damaged in (bytes([content[0] ^ 1]) + content[1:], content[:-1], content + b"}"):
            path.write_bytes(damaged)
            with pytest.raises(DataError) as caught:
                load(tmp_path / "saved")
            assert "\n" not in str(caught.value)
        path.write_bytes(content)
    load(tmp_path / "saved")


class TestReplacing:
    """A saved generator is one generator, whatever happens while another takes its place."""

    def test_the_old_files_go(self, tmp_path: Path) -> None:
        save(Reject(Resample()).fit(mixed_table(), rng()), tmp_path / "saved")
        save(Resample().fit(mixed_table(), rng()), tmp_path / "saved")
        assert sorted(path.name for path in tmp_path.rglob("*")) == [
            "files.json",
            "rows.parquet",
            "saved",
            "settings.json",
        ]

    @pytest.mark.parametrize("failing", ["save", "rename"])
    def test_a_failure_leaves_the_old_one(self, failing: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = {path: path.read_bytes() for path in folder.rglob("*")}
        rename = Path.rename

        def fail_at_last(path: Path, target: Path) -> Path:
            if path.name.endswith(".partial"):
                raise OSError("the disk is full")
            return rename(path, target)

        if failing == "rename":
            monkeypatch.setattr(Path, "rename", fail_at_last)
        other = HalfSaved() if failing == "save" else Resample()
        with pytest.raises(OSError, match="the disk is full"):
            save(other.fit(mixed_table(200), rng()), folder)
        assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before

    def test_nothing_else_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("ten years")
        with pytest.raises(ConfigError, match="new or empty folder"):
            save(Resample().fit(mixed_table(), rng()), tmp_path)
        assert (tmp_path / "thesis.tex").read_text() == "ten years"


class HalfSaved(Resample):
    """A generator whose disk is full in the middle."""

    def save(self, folder: Path) -> None:
        super().save(folder)
        raise OSError("the disk is full")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has none"):
        load(tmp_path / "nothing")


def replace_column(table: Table, number: int, **values: object) -> Table:
    columns = list(table.schema.columns)
    columns[number] = replace(columns[number], **values)  # type: ignore[arg-type]
    return replace(table, schema=replace(table.schema, columns=tuple(columns)))


@pytest.mark.parametrize(
    ("number", "values", "words"),
    [
        (0, {"name": "cost"}, "has column 'amount'"),
        (2, {"kind": "numeric"}, "column 'visits' was integer and is numeric"),
        (6, {"categories": ("chip", "web", "swipe")}, "the categories of column 'channel' were"),
    ],
)
def test_a_schema_that_means_something_else_is_refused(
    number: int, values: dict[str, object], words: str, folder: Path
) -> None:
    with pytest.raises(DataError, match=words):
        load(folder, replace_column(mixed_table(), number, **values).schema)


def test_other_classes_or_another_order_are_refused_and_other_ranges_are_not(folder: Path) -> None:
    schema = mixed_table().schema
    with pytest.raises(DataError, match="classes were"):
        load(folder, replace(schema, classes=("fine", "theft")))
    with pytest.raises(DataError, match="order of the columns"):
        load(folder, replace(schema, columns=schema.columns[::-1]))
    load(folder, replace_column(mixed_table(), 0, low=-5.0).schema)


def test_what_cannot_be_saved_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give the part by its name"):
        ImblearnAdapter(SMOTE()).fit(mixed_table(), rng()).save(tmp_path / "saved")
    odd = replace_column(mixed_table(), 6, categories=((1, 2), "x", "y"))
    with pytest.raises(DataError, match="text, numbers or booleans"):
        Resample().fit(odd, rng()).save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


class Unsavable:
    """A generator of the user's that knows nothing of disks."""

    def fit(self, table: Table, rng: np.random.Generator) -> "Unsavable":
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> None:
        raise NotImplementedError


def test_a_wrapped_generator_that_cannot_be_saved_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Unsavable lacks them"):
        Reject(Unsavable()).fit(mixed_table(), rng()).save(tmp_path / "saved")  # type: ignore[arg-type]


def test_long_lists_of_categories_are_cut(folder: Path) -> None:
    many = replace_column(mixed_table(), 6, categories=tuple(f"c{number}" for number in range(500)))
    with pytest.raises(DataError) as caught:
        load(folder, many.schema)
    assert len(str(caught.value)) < 400


def test_columns_may_have_the_names_of_the_trail(tmp_path: Path) -> None:
    table = replace_column(replace_column(mixed_table(), 0, name="y"), 1, name="x_y")
    write_table(table, tmp_path / "rows.parquet")
    np.testing.assert_array_equal(read_table(tmp_path / "rows.parquet", table.schema).X, table.X)
    assert isinstance(table.schema.columns[0], Column)
