"""The format on what is kept: this version's is read, any other is refused with the version that reads it."""

import pytest

from loop.errors import DataError
from loop.support.format import FORMAT, KEY, stamped, unstamped


def test_what_is_stamped_is_read_without_its_format() -> None:
    assert stamped({"a": 1}) == {KEY: FORMAT, "a": 1}
    assert unstamped(stamped({"a": 1}), "it", "fit it again") == {"a": 1}


@pytest.mark.parametrize("record", [{}, {"a": 1}, *({KEY: old} for old in range(FORMAT))])
def test_what_is_older_names_the_version_that_reads_it(record: dict[str, object]) -> None:
    with pytest.raises(DataError) as caught:
        unstamped(record, "it", "fit it again")
    version = {4: "0.2.0", 5: "0.3.0"}.get(int(str(record.get(KEY, 0))), "0.1.0")
    assert str(caught.value) == f"it was written by weakspot {version}: read it with that version, or fit it again."


def test_what_is_newer_is_told() -> None:
    with pytest.raises(DataError, match=r"^it was written by a newer weakspot: .* or fit it again\.$"):
        unstamped({KEY: FORMAT + 1}, "it", "fit it again")


@pytest.mark.parametrize("value", ["4", True, 4.0, -1, None, [4]])
def test_a_format_is_a_whole_number(value: object) -> None:
    with pytest.raises(DataError, match="it: its format must be a whole number"):
        unstamped({KEY: value}, "it", "fit it again")


@pytest.mark.parametrize("value", [[], 3, "text", None])
def test_what_is_no_record_is_left_to_its_checks(value: object) -> None:
    assert unstamped(value, "it", "fit it again") == value
