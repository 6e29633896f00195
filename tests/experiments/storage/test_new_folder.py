"""A new folder of a run is whole or not there, and what a killed process left of one is removed."""

import os
import stat
from pathlib import Path

import pytest

from experiments.storage.new_folder import LONG, new_folder


def half(folder: Path) -> None:
    (folder / "config.yaml").write_bytes(b"half")
    raise OSError(28, "No space left on device")


def test_folders_of_runs_are_for_their_owner(tmp_path: Path) -> None:
    made = [new_folder(tmp_path / "out", "payments", lambda folder: (folder / "a").touch()) for _ in "ab"]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700, 0o700]
    assert sorted((tmp_path / "out").iterdir()) == sorted(made)  # two of the same second, each with its own
    assert all((folder / "a").exists() for folder in made)


def test_a_folder_of_a_run_that_cannot_be_begun_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        new_folder(tmp_path / "out", "payments", half)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_kill_left_of_a_new_folder_is_removed_once_it_is_old(tmp_path: Path) -> None:
    for name, age in (("old", 2 * LONG), ("young", 0)):
        left = tmp_path / f".{name}.abc.partial"
        left.mkdir()
        (left / "config.yaml").write_text("seed: 1")
        then = left.stat().st_mtime - age
        os.utime(left, (then, then))
    (tmp_path / ".kept").mkdir()
    folder = new_folder(tmp_path, "run", lambda empty: (empty / "config.yaml").write_text("seed: 2"))
    assert {path.name for path in tmp_path.iterdir()} == {".kept", ".young.abc.partial", folder.name}
    assert (folder / "config.yaml").read_text() == "seed: 2"
