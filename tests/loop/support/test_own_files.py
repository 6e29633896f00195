"""Files read from a folder: regular, inside it, and of an expected size; whatever another hand put there."""

import os
from pathlib import Path

import pytest
import yaml

from loop.support import atomic, strict_yaml
from loop.support.own_files import own_file, own_folder, own_text


def planted(kind: str, place: Path, elsewhere: Path) -> None:
    """Put something in place of a file that could hang, fill the memory or hand out a file of somebody else."""
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "link out":
        place.symlink_to(elsewhere)
    else:
        place.symlink_to("nowhere")


KINDS = ["pipe", "device", "link out", "link to nothing"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "secret.json"
    path.parent.mkdir()
    path.write_text("{}")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file_of_the_folder_is_refused(kind: str, tmp_path: Path, elsewhere: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    planted(kind, home / "model.json", elsewhere)
    for read in (own_file, own_text):
        with pytest.raises((ValueError, FileNotFoundError)):
            read(home / "model.json")
    with pytest.raises((ValueError, FileNotFoundError)):
        own_folder(home)


def test_a_linked_folder_is_refused_and_a_real_one_is_not(tmp_path: Path, elsewhere: Path) -> None:
    home = tmp_path / "home"
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "a.json").write_text("{}")
    (home / "same").symlink_to("deep/a.json")
    assert own_folder(home) == home
    assert own_text(home / "same") == "{}"
    (home / "out").symlink_to(elsewhere.parent)
    with pytest.raises(ValueError, match="out is no regular file"):
        own_folder(home)


def test_a_home_that_is_itself_a_link_is_as_good_as_any(tmp_path: Path) -> None:
    real, linked = tmp_path / "real", tmp_path / "linked"
    real.mkdir()
    (real / "a.json").write_text("{}")
    linked.symlink_to(real)
    assert own_text(own_folder(linked) / "a.json") == "{}"


def test_files_have_a_size_that_one_would_expect(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    assert own_file(path, most=2) == path
    with pytest.raises(ValueError, match="larger than 1 bytes"):
        own_file(path, most=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["files.json", "part.bin"])
def test_a_sealed_folder_with_something_planted_is_refused(
    kind: str, name: str, tmp_path: Path, elsewhere: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "part.bin").write_bytes(b"1")
    atomic.seal(home)
    atomic.check(home)
    (home / name).unlink()
    planted(kind, home / name, elsewhere)
    with pytest.raises((ValueError, FileNotFoundError)):
        atomic.check(home)


def test_yaml_that_would_take_minutes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("a:\n" + "  - 1\n" * 400_000)
    with pytest.raises(yaml.YAMLError, match="larger than"):
        strict_yaml.read_file(path)
    with pytest.raises(yaml.YAMLError, match="larger than"):
        strict_yaml.read_file(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text",
    [
        "tracking_uri: 'postgresql://me:hunter2@host/db\n",
        "tracking_uri: [postgresql://me:hunter2@host/db\n",
        "a: b: postgresql://me:hunter2@host\n",
        "*hunter2: 1\n",
        "tracking_uri: !hunter2 x\n",
        "tracking_uri: %hunter2\n",
        "a: \thunter2\n\t- x",
        "a: &hunter2 1\nb: *hunter2\n",
    ],
)
def test_what_is_wrong_with_yaml_is_said_without_the_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mlflow.yaml"
    path.write_text(text)
    with pytest.raises(yaml.YAMLError) as caught:
        strict_yaml.read_file(path)
    said = strict_yaml.cause(caught.value)
    assert "hunter2" not in said
    assert "line " in said


def test_yaml_that_is_no_utf_8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(yaml.YAMLError, match="not UTF-8 at byte 4"):
        strict_yaml.read_file(path)
