"""Series from files: what is read is what was written, and damaged files are refused in a sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile
from series_tables import series_frame

from experiments.data.arrays import audio, series, ts_file
from experiments.data.arrays.audio import Sounds
from experiments.data.split import Split
from learners.encoders.curves import Curves
from loop.errors import DataError
from loop.support.model_files import arrays

HEAD = "#about\n@problemName Waves\n@timeStamps false\n@classLabel true a b\n@data\n"


def entries(n: int = 12) -> tuple[np.ndarray, list[str]]:
    frame = series_frame(n, channels=2, several_lengths=True)
    made = Curves().stacked(frame["wave"].tolist())
    made[1, 0, 3] = np.nan
    return made, frame["kind"].tolist()


@pytest.mark.parametrize("ending", [".ts", ".npz"])
def test_what_was_written_is_read(tmp_path: Path, ending: str) -> None:
    made, labels = entries()
    path = tmp_path / f"waves{ending}"
    series.save(path, made, labels)
    dataset = series.load(path)
    assert dataset.frame[dataset.target].tolist() == labels
    np.testing.assert_array_equal(Curves().stacked(dataset.frame["series"].tolist()), made)
    assert [path.name for path in tmp_path.iterdir()] == [path.name], "no partial file is left"


def test_a_ts_file_of_the_archives_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.ts"
    path.write_text(
        "#more\n\n@problemName X\n@timestamps false\n@univariate false\n@dimensions 2\n@equalLength false\n"
        "@classLabel true 1 2\n@data\n1,2,?:4,5,6:1\n\n7,8:9,10:2\n1:2,3:2\n"
    )
    read = ts_file.read(path)
    assert read.name == "X"
    assert read.labels == ["1", "2", "2"]
    np.testing.assert_array_equal(read.series[0], [[1, 2, np.nan], [4, 5, 6]])
    np.testing.assert_array_equal(read.series[2], [[1, np.nan], [2, 3]])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "header"),
        ("1,2,3:a\n", "begin with @"),
        ("@problemName X\n@data\n1,2:a\n", "@classLabel"),
        ("@classLabel false\n@data\n1,2:a\n", "@classLabel"),
        ("@timeStamps true\n@classLabel true a\n@data\n(0,1):a\n", "time stamps"),
        (HEAD, "behind @data"),
        (HEAD + "1,2,3:c\n", "line 6"),
        (HEAD + "1,x,3:a\n", "'x'"),
        (HEAD + "a\n", "values and a class"),
        (HEAD + "1,2:a\n1,2:3,4:b\n", "same dimensions"),
        (HEAD.replace("@data", "@dimensions 3\n@data") + "1,2:a\n", "3 dimensions"),
    ],
)
def test_bad_ts_files_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.ts"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        series.load(path)


@given(st.binary(max_size=300))
def test_no_bytes_make_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "a").mkdir()
    for name in ("x.ts", "x.npz", "x.parquet", "a/x.wav"):
        (folder / name).write_bytes(content)
    wave = (
        b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
    )
    (folder / "a" / "y.wav").write_bytes(wave + content)
    for path in (folder / "x.ts", folder / "x.npz", folder / "x.parquet", folder):
        with pytest.raises(DataError) as caught:
            series.load(path)
        assert len(str(caught.value)) < 700  # with paths


def test_archives_of_arrays(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, series=np.arange(12.0).reshape(4, 3), kind=np.array(["a", "b", "a", "b"]), age=np.arange(4))
    dataset = series.load(path, "kind")
    assert dataset.frame.columns.tolist() == ["kind", "age", "series"]
    assert dataset.frame["series"][2].tolist() == [[6, 7, 8]]
    bad: dict[str, Callable[[], None]] = {
        "must have an array 'series'": lambda: np.savez(path, other=np.ones(3)),
        "one value a series": lambda: np.savez(path, series=np.ones((4, 3)), kind=np.ones(5)),
        "cannot be read": lambda: np.savez(path, series=np.array([{}], dtype=object)),
        "must be a column": lambda: np.savez(path, series=np.ones((4, 3))),
    }
    for told, write in bad.items():
        write()
        with pytest.raises(DataError, match=told):
            series.load(path)


def test_an_archive_that_is_much_larger_unpacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, series=np.zeros((100, 10_000)))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(arrays, "LARGEST", 1_000_000)
    with pytest.raises(DataError, match="unpacked"):
        series.load(path)


def test_parquet_with_lists(tmp_path: Path) -> None:
    frame = series_frame(20, several_lengths=True)
    lists = frame.assign(wave=[cell[0].tolist() for cell in frame["wave"]], age=np.arange(20) % 7)
    lists.to_parquet(tmp_path / "x.parquet")
    dataset = series.load(tmp_path / "x.parquet", "kind")
    assert list(dataset.encoders) == ["wave"]
    np.testing.assert_array_equal(
        Curves().stacked(dataset.frame["wave"].tolist()), Curves().stacked(frame["wave"].tolist())
    )
    with pytest.raises(DataError, match="label"):
        series.load(tmp_path / "x.parquet")
    frame[["kind"]].to_parquet(tmp_path / "y.parquet")
    with pytest.raises(DataError, match="column of lists"):
        series.load(tmp_path / "y.parquet", "kind")


def long_table() -> pd.DataFrame:
    rows = {"id": [2, 1, 1, 2, 2], "t": [3, 1, 0, 1, 2], "v": [9.0, 2, 1, 7, np.nan], "w": range(5)}
    return pd.DataFrame({**rows, "kind": ["b", "a", "a", "b", "b"], "city": ["x", "y", "y", "x", "x"]})


def test_long_tables_become_series() -> None:
    dataset = series.of_long(long_table(), "id", "t", ["v"], "kind")
    assert dataset.frame["kind"].tolist() == ["a", "b"]
    assert dataset.frame["city"].tolist() == ["y", "x"]
    np.testing.assert_array_equal(dataset.frame["series"][1], [[7, np.nan, 9]])
    assert "'w'" in dataset.said[0] or "w" in dataset.said[0]
    two = series.of_long(long_table(), "id", "t", ["v", "w"], "kind").frame["series"]
    assert [cell.shape for cell in two] == [(2, 2), (2, 3)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.assign(t=1), "has two"),
        (lambda frame: frame.assign(kind=list("abcde")), "one class"),
        (lambda frame: frame.assign(v="word"), "must be numbers"),
        (lambda frame: frame.drop(columns="t"), "must be a column"),
        (lambda frame: frame.assign(id=[None, 1, 1, 2, 2]), "some have none"),
    ],
)
def test_bad_long_tables_are_refused(change: Callable[[pd.DataFrame], pd.DataFrame], told: str) -> None:
    with pytest.raises(DataError, match=told):
        series.of_long(change(long_table()), "id", "t", ["v"], "kind")


def tone(hertz: float, seconds: float = 0.3, rate: int = 8000) -> np.ndarray:
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate))


def sounds(folder: Path) -> Path:
    for kind, hertz in (("high", 2000), ("low", 300)):
        (folder / kind).mkdir(parents=True)
        for number in range(4):
            sound = (tone(hertz + 20 * number, 0.2 + 0.05 * number) * 2**15).astype(np.int16)
            wavfile.write(folder / kind / f"{number}.wav", 8000, sound)
    return folder


def test_sounds_are_read_by_class(tmp_path: Path) -> None:
    dataset = series.load(sounds(tmp_path / "s"))
    assert dataset.frame["label"].tolist() == ["high"] * 4 + ["low"] * 4
    loudest = [cell.mean(axis=1).argmax() for cell in dataset.frame["series"]]
    assert min(loudest[:4]) > max(loudest[4:])
    lengths = [cell.shape[1] for cell in dataset.frame["series"]]
    assert lengths[:4] == sorted(lengths[:4])


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32"])
def test_types_channels_and_rates_of_sounds_make_no_difference(tmp_path: Path, kind: str) -> None:
    scale, middle = {"uint8": (127, 128), "int16": (2**15 - 1, 0), "int32": (2**31 - 1, 0), "float32": (1, 0)}[kind]
    (tmp_path / "a").mkdir()
    sound = (tone(500) * scale + middle).astype(kind)
    wavfile.write(tmp_path / "a" / "x.wav", 8000, np.column_stack([sound, sound]))
    (read,), _ = audio.read(tmp_path)
    wanted = audio.energies(tone(500), 8000, Sounds())
    band = int(wanted.mean(axis=1).argmax())
    np.testing.assert_allclose(read[band], wanted[band], atol=0.05)
    again = audio.energies(tone(500, rate=16000), 16000, Sounds())
    assert abs(int(again.mean(axis=1).argmax()) - band) <= 1


def test_bad_folders_of_sounds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="for each class"):
        series.load(tmp_path)
    folder = sounds(tmp_path / "s")
    outside = tmp_path / "outside.wav"
    os.replace(folder / "low" / "0.wav", outside)
    (folder / "low" / "0.wav").symlink_to(outside)
    with pytest.raises(DataError, match="leads out"):
        series.load(folder)
    (folder / "low" / "0.wav").unlink()
    os.mkfifo(folder / "low" / "0.wav")
    with pytest.raises(DataError, match="no regular file"):
        series.load(folder)


def test_a_sound_that_was_cut_or_has_an_odd_rate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "x.wav"
    wavfile.write(path, 8000, np.zeros(2000, dtype=np.int16))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="EOF"):
        series.load(tmp_path)
    wavfile.write(path, 1, np.zeros(2000, dtype=np.int16))
    with pytest.raises(DataError, match="samples a second, got 1:"):
        series.load(tmp_path)


def test_other_endings_and_labels_are_refused(tmp_path: Path) -> None:
    made, labels = entries()
    for path in (tmp_path / "x.txt", tmp_path / "none.ts"):
        with pytest.raises(DataError):
            series.load(path)
    with pytest.raises(DataError, match="endings"):
        series.save(tmp_path / "x.csv", made, labels)
    with pytest.raises(DataError, match="label each"):
        series.save(tmp_path / "x.npz", made, labels[1:])
    with pytest.raises(DataError, match="spaces"):
        series.save(tmp_path / "x.ts", made, ["a b", *labels[1:]])
    assert not list(tmp_path.iterdir())


def test_what_is_read_can_be_split(tmp_path: Path) -> None:
    frame = series_frame(60, several_lengths=True)
    series.save(tmp_path / "x.npz", Curves().stacked(frame["wave"].tolist()), frame["kind"].tolist())
    split = Split.of(series.load(tmp_path / "x.npz"), 0)
    assert split.train.rows.arrays["series"].shape[1:] == split.test.rows.arrays["series"].shape[1:]


@pytest.mark.parametrize("label", ["", "two words", "a:b"])
def test_a_class_that_the_format_cannot_hold_is_refused_before_anything_is_written(label: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no spaces, commas or colons"):
        series.save(tmp_path / "made.ts", np.zeros((2, 1, 5), dtype=np.float32), ["fine", label])
    assert not (tmp_path / "made.ts").exists()


@pytest.mark.parametrize("values", [["v", "v"], ["id"], ["t"], ["kind"]])
def test_a_column_of_a_long_table_has_one_role(values: list[str]) -> None:
    frame = pd.DataFrame({"id": [0, 0, 1, 1], "t": [0, 1, 0, 1], "v": [0.5, 1, 2, 3], "kind": ["a", "a", "b", "b"]})
    with pytest.raises(DataError, match="must be different columns"):
        series.of_long(frame, "id", "t", values, "kind")
