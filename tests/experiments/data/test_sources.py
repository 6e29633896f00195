"""Loading tables by name: what comes back, what is refused and with which words, and the tables without signal."""

import gzip
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets

from experiments.data.protocols import noise_table, permuted, rare_digits
from experiments.data.sources import load, rare_suite
from loop.errors import ConfigError, DataError

FRAME = pd.DataFrame({"amount": [1.5, 2.0, None, 4.0], "shop": ["a", "b", "a", "c"], "fraud": [0, 0, 1, 0]})


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".parquet"])
def test_files_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cards{ending}"
    if ending == ".parquet":
        FRAME.to_parquet(path)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    dataset = load(str(path), "fraud", positive=1, group="shop")
    pd.testing.assert_frame_equal(dataset.frame, FRAME)
    assert (dataset.target, dataset.positive, dataset.group, dataset.time) == ("fraud", 1, "shop", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,fraud\n", "hold rows"),
        ("a,a,fraud\n1,2,0\n", "'a' occurs more than once"),
        (",a,fraud\nx,1,0\n", "column 1 has none"),
        ("a,fraud\n1,0\n1,0,7,8\n", "readable .csv"),
        ('a,fraud\n"1,0\n', "readable .csv"),
        ("a,fraud\n1,0,5\n2,1,6\n", "readable .csv"),
        ("a,Fraud\n1,0\n", "did you mean Fraud"),
        ("x,y\n1,0\n", "the columns are x, y"),
    ],
)
def test_broken_csv_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "cards.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        load(str(path), "fraud")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("binary.csv", b"a,fraud\n\xff\xfe\x00,1\n"),
        ("plain.csv.gz", b"a,fraud\n1,0\n"),
        ("cut.csv.gz", gzip.compress(b"a,fraud\n" + b"1,0\n" * 5000, mtime=0)[:-20]),
        ("text.parquet", b"a,fraud\n1,0\n"),
        ("cards.pkl", b"anything"),
    ],
)
def test_unreadable_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        load(str(tmp_path / name), "fraud")


def test_missing_file_folder_and_target_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(str(tmp_path / "none.csv"), "fraud")
    with pytest.raises(DataError, match=r"has none"):  # of Parquet files
        load(str(tmp_path), "fraud")
    FRAME.to_csv(tmp_path / "cards.csv", index=False)
    with pytest.raises(DataError, match=r"needs a target.*amount, shop, fraud"):
        load(str(tmp_path / "cards.csv"))
    with pytest.raises(DataError, match="time must be a column"):
        load(str(tmp_path / "cards.csv"), "fraud", time="when")


@pytest.mark.parametrize("name", ["http://example.org/a.csv", "s3:bucket", "keras:mnist"])
def test_unknown_scheme_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="sklearn:, openml:, simulation:, suite:"):
        load(name, "y")


@pytest.mark.parametrize(("name", "rows"), [("breast_cancer", 569), ("digits", 1797), ("iris", 150), ("wine", 178)])
def test_sklearn_sets(name: str, rows: int) -> None:
    dataset = load(f"sklearn:{name}")
    assert len(dataset.frame) == rows
    assert dataset.positive in {None, *dataset.frame["target"]}


def test_breast_cancer_catches_the_malignant() -> None:
    dataset = load("sklearn:breast_cancer")
    assert dataset.positive == "malignant"
    assert (dataset.frame["target"] == "malignant").sum() == 212
    assert load("sklearn:breast_cancer", positive="benign").positive == "benign"
    assert load("sklearn:breast_cancer", "mean radius").positive is None


def test_unknown_sklearn_set_is_refused() -> None:
    with pytest.raises(DataError, match="breast_cancer, digits, iris, wine"):
        load("sklearn:boston")


def test_openml_without_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", unreachable)
    with pytest.raises(DataError, match=r"network.*credit-g.*no route.*path"):
        load("openml:credit-g")


def test_simulation_reads_its_settings() -> None:
    dataset = load("simulation:customers=30, days=25,seed=2,fraud_rate=0.05")
    assert dataset.frame["customer"].nunique() <= 30
    assert dataset.frame["fraud"].mean() == pytest.approx(0.05, rel=0.05)
    assert (dataset.target, dataset.positive, dataset.time, dataset.group) == ("fraud", 1, "time", "customer")
    assert dataset.frame.equals(load("simulation:customers=30,days=25,seed=2,fraud_rate=0.05").frame)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ("clients=3", DataError, "customers, terminals, days, fraud_rate, seed, late, got 'clients'"),
        ("days", DataError, "days must be of type int, got ''"),
        ("days=__import__('os')", DataError, "days must be of type int"),
        ("days=30,days=31", DataError, "'days' twice"),
        ("days=1", ConfigError, "days must be between"),
        ("fraud_rate=nan", ConfigError, "fraud_rate must be between"),
    ],
)
def test_wrong_simulation_settings_are_refused(settings: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        load(f"simulation:{settings}")


def test_suite_reads_the_folder_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    frame = FRAME.rename(columns={"fraud": "target"})
    frame.to_parquet(tmp_path / "data" / "yeast_me2.parquet")
    frame.to_parquet(tmp_path / "secret.parquet")
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path / "data"))
    dataset = load("suite:yeast_me2")
    assert (dataset.target, dataset.positive, len(dataset.frame)) == ("target", 1, 4)
    for name in ("../secret", "none"):
        with pytest.raises(DataError, match="has yeast_me2"):
            load(f"suite:{name}")
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="set WEAKSPOT_DATA"):
        load("suite:yeast_me2")


def test_suite_drops_the_column_that_tells_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"TX_DATETIME": pd.Timestamp("2018-04-01"), "CUSTOMER_ID": 1, "TX_FRAUD_SCENARIO": 0, "target": 0}
    pd.DataFrame([row]).to_parquet(tmp_path / "fraud_handbook.parquet")
    monkeypatch.setenv("WEAKSPOT_DATA", str(tmp_path))
    dataset = load("suite:fraud_handbook")
    assert "TX_FRAUD_SCENARIO" not in dataset.frame
    assert (dataset.time, dataset.group) == ("TX_DATETIME", "CUSTOMER_ID")


def test_rare_suite_names_nine_tables() -> None:
    assert len(set(rare_suite())) == 9


def test_noise_has_the_share_asked_for_and_no_signal() -> None:
    dataset = noise_table(4000, 5, seed=0, share=0.05)
    label = dataset.frame["target"].to_numpy()
    assert label.sum() == 200
    correlation = dataset.frame.drop(columns="target").apply(lambda column: np.corrcoef(column, label)[0, 1])
    assert correlation.abs().max() < 4 / np.sqrt(4000)
    assert dataset.frame.equals(noise_table(4000, 5, seed=0, share=0.05).frame)


def test_permuted_moves_labels_only_and_changes_no_input() -> None:
    frame = load("sklearn:wine").frame
    before = frame.copy()
    shuffled = permuted(frame, "target", seed=0)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(shuffled.drop(columns="target"), frame.drop(columns="target"))
    assert shuffled["target"].value_counts().equals(frame["target"].value_counts())
    assert 0.2 < (shuffled["target"] == frame["target"]).mean() < 0.5  # by chance 0.34
    assert shuffled.equals(permuted(frame, "target", seed=0))


def test_rare_digits_cut_two_digits_to_a_twentieth() -> None:
    whole = load("sklearn:digits").frame["target"].value_counts()
    left = rare_digits(seed=0).frame["target"].value_counts()
    rare = {digit for digit in whole.index if left[digit] != whole[digit]}
    assert rare == {3, 8}
    assert all(left[digit] == round(0.05 * whole[digit]) for digit in rare)
