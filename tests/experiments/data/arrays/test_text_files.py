"""Texts as columns of a table and in folders by class: what is read comes back, and what is broken is told."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from texts import text_frame

from experiments.data.arrays import text
from experiments.data.files import Reading, read_file
from experiments.data.sources import Dataset
from experiments.data.split import Split
from learners.encoders.words import Words
from loop.errors import DataError

DATASET = Dataset("notes", text_frame(80), "topic")
HOSTILE = ['=1+1, "quoted"', "two\nlines", "carriage\rreturn", "", "  blanks  ", "NA", "007", "schön 漢字 \u202e"]


def folder(root: Path, **classes: list[str]) -> Path:
    for name, texts in classes.items():
        (root / name).mkdir(parents=True)
        for number, each in enumerate(texts):
            (root / name / f"{number}.txt").write_text(each, encoding="utf-8")
    return root


def test_named_columns_become_texts_and_can_be_split() -> None:
    dataset = text.with_texts(DATASET, ["note"])
    assert isinstance(dataset.encoders["note"], Words)
    split = Split.of(dataset, 0)
    assert split.train.rows.arrays["note"].dtype.kind == "U"
    assert {"note_characters", "pages", "shelf"} <= set(split.schema.names)
    assert "note" not in split.schema.names
    assert DATASET.encoders == {}


def test_missing_texts_are_empty() -> None:
    frame = DATASET.frame.assign(note=pd.Series(["a", None, float("nan"), pd.NA] * 20, dtype=object))
    assert text.with_texts(replace(DATASET, frame=frame), ["note"]).frame["note"].tolist() == ["a", "", "", ""] * 20


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["absent"], "absent"),
        (["topic"], "another role"),
        (["note", "note"], "twice"),
        (["pages"], "must be text"),
    ],
)
def test_what_is_no_text_is_refused(columns: list[str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        text.with_texts(DATASET, columns)


def test_a_folder_by_class_is_read_in_order(tmp_path: Path) -> None:
    home = folder(tmp_path / "corpus", sea=["wave", "schön\nzwei"], garden=["rose"])
    (home / "sea" / "picture.png").write_bytes(b"x")
    (home / ".hidden").mkdir()
    (home / "readme.txt").write_text("no class")
    dataset = text.load(home)
    assert dataset.frame.to_dict("list") == {
        "text": ["rose", "wave", "schön\nzwei"],
        "label": ["garden", "sea", "sea"],
    }
    assert (dataset.name, dataset.target, list(dataset.encoders)) == ("corpus", "label", ["text"])
    assert "1 files" in dataset.said[0]
    assert text.load(home, "kind").target == "kind"


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    home = folder(tmp_path / "corpus", sea=["wave"], garden=["rose"])
    (tmp_path / "secret.txt").write_text("secret")
    (home / "sea" / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(DataError, match="leads out"):
        text.load(home)


def test_a_linked_class_is_refused(tmp_path: Path) -> None:
    home = folder(tmp_path / "corpus", sea=["wave"], garden=["rose"])
    folder(tmp_path / "elsewhere", fire=["secret"])
    (home / "fire").symlink_to(tmp_path / "elsewhere" / "fire")
    with pytest.raises(DataError, match="leads out"):
        text.load(home)


def test_a_pipe_a_large_file_and_another_encoding_are_refused(tmp_path: Path) -> None:
    home = folder(tmp_path / "corpus", sea=["wave"], garden=["rose"])
    odd = home / "sea" / "odd.txt"
    odd.write_bytes("schön".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        text.load(home)
    odd.write_bytes(b"x" * (text.LARGEST + 1))
    with pytest.raises(DataError, match="larger"):
        text.load(home)
    odd.unlink()
    os.mkfifo(odd)
    with pytest.raises(DataError, match="no regular file"):
        text.load(home)


def test_folders_without_two_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two folders"):
        text.load(folder(tmp_path / "one", sea=["wave"]))
    with pytest.raises(DataError, match="is none"):
        text.load(tmp_path / "absent")
    with pytest.raises(DataError, match="column of texts"):
        text.load(tmp_path / "one", "text")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_what_is_written_can_be_read(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"made{ending}"
    labels = ["a", "b"] * 4
    text.save(path, HOSTILE, labels)
    frame = read_file(path, Reading(text=["text"])).frame
    dataset = text.with_texts(Dataset("made", frame, "label"), ["text"])
    assert dataset.frame["text"].tolist() == [each.replace("\r", "\n") for each in HOSTILE]
    assert frame["label"].tolist() == labels
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label"):
        text.save(tmp_path / "a.csv", ["a"], [])
    with pytest.raises(DataError, match="csv"):
        text.save(tmp_path / "a.txt", ["a"], ["b"])
