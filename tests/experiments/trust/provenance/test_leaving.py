"""What leaves a run is noted there, once, and only while it is as it was written is it known again."""

from pathlib import Path

import pytest

from experiments.storage import run_folder
from experiments.trust.provenance.leaving import FILE, home_of, note, noted, provenance_of
from experiments.trust.provenance.record import BOOK, TABLE, Input, Provenance
from loop.errors import DataError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / run_folder.GENERATOR).mkdir(parents=True)
    (folder / run_folder.FINGERPRINT).write_text("{}")
    return folder


def test_files_elsewhere_are_noted_once_and_known_while_unchanged(run: Path, tmp_path: Path) -> None:
    out, inside = tmp_path / "rows.csv", run / "export.json"
    for path in (out, inside):
        path.write_text("a\n1\n")
    for _ in range(2):
        assert note(run, [out, inside], "generate") is None
    (told,) = noted(run)
    assert (told.path, told.what, told.unchanged) == (str(out.resolve()), "generate", True)
    out.write_text("a\n2\n")
    assert not noted(run)[0].unchanged
    out.unlink()
    assert not noted(run)[0].unchanged


def test_a_damaged_note_is_refused(run: Path) -> None:
    (run / FILE).write_text('[{"path": 3}]')
    with pytest.raises(DataError, match="written elsewhere"):
        noted(run)


def test_the_home_of_a_generator_is_its_run(run: Path, tmp_path: Path) -> None:
    assert home_of(run) == home_of(run / run_folder.GENERATOR) == run.resolve()
    assert home_of(tmp_path) is None
    assert home_of(None) is None
    assert note(None, [tmp_path], "generate") is None


def test_rows_are_made_from_what_the_run_was_or_from_a_file(run: Path, tmp_path: Path) -> None:
    told = Provenance("ab" * 32, "1.0", (Input(TABLE, "cards.csv", "12" * 32, "CC0-1.0", "a bank"),))
    told.write(run)
    assert provenance_of(run / run_folder.GENERATOR, None, {}) == told
    assert told.tags == {
        "weakspot.run": "ab" * 32,
        "weakspot.digest": "12" * 32,
        "licence": "CC0-1.0",
        "origin": "a bank",
    }
    book = tmp_path / "rules.yaml"
    book.write_text("columns: {}\n")
    made = provenance_of(book, None, {"n": 3})
    assert (made.table.role, made.table.name) == (BOOK, "rules.yaml")
    assert made.run != provenance_of(book, None, {"n": 4}).run
    assert provenance_of(None, str(book), {}).table.role == TABLE


def test_a_damaged_record_is_refused(run: Path) -> None:
    (run / "provenance.json").write_text('{"format": 6, "run": 3}')
    with pytest.raises(DataError, match="as the run wrote it"):
        Provenance.read(run)
