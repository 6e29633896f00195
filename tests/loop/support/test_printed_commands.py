"""Printed commands are read by a shell, and by weakspot, as they are meant."""

import shlex
from pathlib import Path

import pytest

from loop.support.commands import command


@pytest.mark.parametrize("name", ["my runs", "a'b", "$HOME", 'q"q', "a;b", "-dash", "--out", "-", "ü"])
def test_a_folder_of_any_name_is_one_word_and_no_option(name: str) -> None:
    folder = Path(name) / "first"
    *_, word = shlex.split(command("run", "--resume", folder))
    assert Path(word) == folder
    assert not word.startswith("-")


def test_options_stay_options() -> None:
    assert command("run", "--resume", Path("/runs/first")) == "weakspot run --resume /runs/first"
