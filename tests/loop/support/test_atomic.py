"""Files and folders are whole or not there, whatever happens while they are written."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.storage import run_folder
from loop.support import atomic


def half(path: Path) -> None:
    path.write_bytes(b"half")
    raise OSError(28, "No space left on device")


def test_a_file_is_written_in_a_folder_that_is_made(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "new" / "a.txt", "grün")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "grün"
    atomic.write_json(tmp_path / "a.json", {"x": float("inf"), "y": (1, 2)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": "Infinity", "y": [1, 2]}
    assert not list(tmp_path.rglob("*.partial"))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OSError, match="No space"):
        atomic.write_file(tmp_path / "a.txt", half)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_temporary_names_tell_the_process_and_end_in_partial(tmp_path: Path) -> None:
    seen: list[str] = []
    atomic.write_file(tmp_path / "a.csv", lambda path: (seen.append(path.name), path.touch()))
    with atomic.replaced(tmp_path / "folder") as partial:
        seen.append(partial.name)
    assert seen == [f".{name}.{os.getpid()}.partial" for name in ("a.csv", "folder")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "folder"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with atomic.replaced(tmp_path / "folder") as partial:
            atomic.write_text(partial / "a.txt", text)
    with pytest.raises(OSError, match="No space"), atomic.replaced(tmp_path / "folder") as partial:
        half(partial / "a.txt")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "a.txt"]
    assert (tmp_path / "folder" / "a.txt").read_text() == "new"


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "a.txt").write_text("b"),
        lambda folder: (folder / "a.txt").unlink(),
        lambda folder: (folder / atomic.LIST).write_text("[1]"),
        lambda folder: (folder / atomic.LIST).write_text("[" * 100_000),
        lambda folder: (folder / atomic.LIST).write_text('{"../outside": "0"}'),
        lambda folder: (folder / atomic.LIST).write_text('{"a.txt": 3}'),
    ],
)
def test_a_sealed_folder_shows_harm(harm: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    with atomic.replaced(tmp_path / "folder") as partial:
        atomic.write_text(partial / "a.txt", "a")
        atomic.seal(partial)
    atomic.check(tmp_path / "folder")
    harm(tmp_path / "folder")
    with pytest.raises((ValueError, OSError)):
        atomic.check(tmp_path / "folder")


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rows_are_for_their_owner_and_what_is_replaced_keeps_its_rights(tmp_path: Path) -> None:
    path, folder = tmp_path / "rows.csv", tmp_path / "folder"
    atomic.write_file(path, lambda partial: partial.write_text("a"), private=True)
    with atomic.replaced(folder):
        pass
    assert (rights(path), rights(folder)) == (0o600, 0o700)
    path.chmod(0o664)
    folder.chmod(0o755)
    atomic.write_file(path, lambda partial: partial.write_text("b"), private=True)
    with atomic.replaced(folder):
        pass
    assert (rights(path), rights(folder)) == (0o664, 0o755)
    path.chmod(0o600)
    atomic.write_text(path, "c")
    assert rights(path) == 0o600


def test_leftovers_of_a_killed_process_are_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".model.12.partial", ".deep.13.old", "model", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "model" / ".a.csv.7.partial").write_text("half")
    (tmp_path / ".lock").touch()
    (tmp_path / ".b.old").write_text("of the user")
    with run_folder.held(tmp_path):
        pass
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"deep/file", "model/file", ".hidden/file", ".lock", ".b.old"}  # what was aside is back


def test_where_others_may_write_only_old_leftovers_are_swept(tmp_path: Path) -> None:
    for name, age in ((".a.json.1.partial", 100), (".b.json.2.partial", 0)):
        (tmp_path / name).write_text("half")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    atomic.sweep(tmp_path, still=60)
    assert [path.name for path in tmp_path.iterdir()] == [".b.json.2.partial"]
    atomic.sweep(tmp_path / "nowhere", still=60)
