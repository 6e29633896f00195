"""Texts as every database takes them."""

from loop.tracking.inputs import table_input
from loop.tracking.records import dataset_record
from loop.tracking.storable import DATASET_NAME, storable, within


def test_what_no_database_takes_is_replaced_wherever_it_stands() -> None:
    record = {"na\0me": ["\udcff.csv", {"tag": "a\0b"}], "number": 1.5, "none": None, "text": "naïve 😀"}
    assert storable(record) == {
        "na\ufffdme": ["\ufffd.csv", {"tag": "a\ufffdb"}],
        "number": 1.5,
        "none": None,
        "text": "naïve 😀",
    }


def test_a_text_is_cut_only_if_it_is_longer() -> None:
    assert within("abc", 3) == "abc"
    assert within("abcd", 3) == "ab…"


def test_a_table_of_many_columns_and_a_long_name_is_an_input_all_the_same() -> None:
    kinds = {f"column {number} {'x' * 60}": "numeric" for number in range(12_000)}
    told = table_input(dataset_record("d" * 600, "0" * 16, "wide.csv", "training", kinds)).dataset
    assert (len(told.name), told.schema) == (DATASET_NAME, None)
    few = table_input(dataset_record("cards", "0" * 16, "cards.csv", "training", {"amount": "numeric"})).dataset
    assert "amount" in few.schema
