"""Words and codes of a user's data stay what they are in YAML; what YAML writes is read back."""

import pytest
import yaml

from loop.support.strict_yaml import read_plain


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "no",
        "on",
        "off",
        "Yes",
        "NO",
        "y",
        "n",
        "02",
        "08",
        "-007",
        "12:30",
        "1:30:00",
        "2024-01-31",
        "0x10",
        "0b11",
        "0o17",
    ],
)
def test_words_codes_and_times_are_text(word: str) -> None:
    assert read_plain(f"positive: {word}") == {"positive": word}


def test_dates_are_text_as_they_are_written() -> None:
    assert read_plain("{value: 2024-02-31, low: 2024-01-31 10:05:00}") == {
        "value": "2024-02-31",
        "low": "2024-01-31 10:05:00",
    }


def test_they_may_be_names_of_columns() -> None:
    assert read_plain("{on: 1, no: 2}") == {"on": 1, "no": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("true", True), ("False", False), ("0", 0), ("-12", -12), ("1_000", 1000), ("1.5", 1.5), (".5", 0.5)],
        *[("1.5e+3", 1500.0), ("-.inf", float("-inf")), ("~", None), ("null", None)],
    ],
)
def test_numbers_and_booleans_are_what_they_were(text: str, value: object) -> None:
    assert read_plain(text) == value


def test_what_is_written_is_read_back() -> None:
    told = ["yes", "02", "0x10", "0b1", "12:30", "true", True, 1, 1e300, 0.1, "1e5", None, "null", 10**20]
    assert read_plain(yaml.safe_dump(told)) == told
