"""A generation as a record: what is decoded is what was encoded, and nothing that was altered passes or escapes."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.cycle.generation_codec import ARRAYS, from_record, to_arrays, to_record
from loop.errors import DataError
from loop.rows import Rows
from loop.testing.trackers import SCHEMA, generation
from loop.types import Generation

MADE = generation(3)


def written(made: Generation = MADE) -> tuple[Any, dict[str, Any]]:
    """Return the record as it comes back from a file, and the arrays."""
    return json.loads(json.dumps(to_record(made), allow_nan=False)), dict(to_arrays(made))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths to all values inside a record."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at for key, each in inner for at in ((*path, key), *places(each, (*path, key)))]


PLACES = places(written()[0])
FREE = ("scores", "challenger", "counts", "drift", "seconds")  # mappings with keys of any name


@given(st.integers(1, 50), st.booleans(), st.integers(1, 30))
def test_what_is_decoded_is_what_was_encoded(index: int, kept: bool, n: int) -> None:
    made = generation(index, kept, n)
    read = from_record(*written(made), SCHEMA)
    assert to_record(read) == to_record(made)
    assert read.decision == made.decision
    for name, array in to_arrays(made).items():
        np.testing.assert_array_equal(to_arrays(read)[name], array)


def with_arrays(**arrays: np.ndarray) -> Generation:
    return replace(MADE, rows=replace(MADE.rows, rows=Rows(MADE.rows.X, arrays)))


def test_arrays_beside_the_columns_come_back() -> None:
    n = len(MADE.rows)
    image = np.random.default_rng(0).normal(size=(n, 1, 4, 4)).astype(np.float32)
    text = np.array([f"row {number}" for number in range(n)])
    made = with_arrays(**{"image": image, "a/b": text})
    assert {"0/arrays/image", "0/arrays/a/b"} <= set(to_arrays(made))
    read = from_record(*written(made), SCHEMA)
    assert list(read.rows.rows.arrays) == ["image", "a/b"]
    assert read.rows.rows.arrays["image"].dtype == np.float32
    np.testing.assert_array_equal(read.rows.rows.arrays["image"], image)
    np.testing.assert_array_equal(read.rows.rows.arrays["a/b"], text)


@pytest.mark.parametrize(
    "array", [np.zeros((11, 4)), np.zeros(()), np.array([None] * 12), np.zeros(12, "V4"), b"bytes"], ids=str
)
def test_an_array_beside_the_columns_that_does_not_fit_is_refused(array: Any) -> None:
    record, arrays = written()
    assert "0/arrays/image" in refused(record, arrays | {"0/arrays/image": array})


@pytest.mark.parametrize("name", ["0/arrays/", "9/arrays/image", "-1/arrays/image", "0/array/image", "arrays/image"])
def test_arrays_under_other_names_are_refused(name: str) -> None:
    record, arrays = written()
    assert "besides" in refused(record, arrays | {name: np.zeros(12)})


def refused(record: Any, arrays: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        from_record(record, arrays, SCHEMA)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 250
    return said


def altered(path: tuple[Any, ...], change: Any) -> Any:
    record = written()[0]
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return record


@given(st.sampled_from([path for path in PLACES if isinstance(path[-1], str) and path[0] not in FREE]))
def test_a_record_without_a_key_is_refused(path: tuple[Any, ...]) -> None:
    assert "lacks" in refused(altered(path, lambda inner, key: inner.pop(key)), written()[1])


other = st.one_of(
    st.just({}), st.just([]), st.just([[[1]]]), st.just({"a": {"b": 1}}), st.just(10**400), st.just([None, True])
)


@given(st.sampled_from(PLACES), other)
def test_a_value_of_another_type_is_refused(path: tuple[Any, ...], value: Any) -> None:
    record = altered(path, lambda inner, key: inner.__setitem__(key, value))
    if record == written()[0] or (value in ({}, []) and path[0] in (*FREE, "regions", "requests") and len(path) == 1):
        return  # no scores, no drift, no regions: a record like another
    if value == [] and path[-1] in ("rule", "codes"):
        return
    refused(record, written()[1])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_anything_else_is_no_record(value: Any) -> None:
    refused(value, written()[1])


@given(st.sampled_from(PLACES), st.sampled_from([-1, -(2**70), 2**70, 1.5, float("nan"), "", "Infinity", True, None]))
def test_altered_scalars_are_taken_whole_or_refused(path: tuple[Any, ...], value: Any) -> None:
    record = altered(path, lambda inner, key: inner.__setitem__(key, value))
    try:
        read = from_record(record, written()[1], SCHEMA)
    except DataError:
        return
    assert to_record(read) == record


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("decision", "kept"), 1, "true or false"),
        (("counts", "kept"), -1, "a whole number from 0 on"),
        (("seconds", "fit"), "NaN", "a number from 0 on"),
        (("regions", 0, "label"), 2, "one of 0 to 1"),
        (("regions", 0, "class"), "honest", "'regions'"),
        (("regions", 0, "rule", 0, "column"), 3, "one of 0 to 2"),
        (("n_rows",), 11, "'n_rows'"),
        (("origins",), [], "0/supply must be below 0"),
        (("lanes",), 1, "the array 1/X must be there"),
        (("lanes",), 10**12, "must be those of"),
    ],
)
def test_a_wrong_value_is_named(path: tuple[Any, ...], value: Any, words: str) -> None:
    assert words in refused(altered(path, lambda inner, key: inner.__setitem__(key, value)), written()[1])


def test_an_unknown_key_is_refused_at_any_depth() -> None:
    for path in ((), ("decision",), ("regions", 0), ("regions", 0, "rule", 0), ("origins", 1), ("scores", "ap")):
        record = altered((*path, "colour"), lambda inner, key: inner.__setitem__(key, 1))
        assert "nothing else" in refused(record, written()[1])


CHANGES = {
    "fewer rows": lambda array: array[:-1],
    "more rows": lambda array: np.concatenate([array, array]),
    "no rows": lambda array: array[:0],
    "another dimension": lambda array: array[..., None],
    "a single value": lambda array: array.ravel()[0],
    "text": lambda array: array.astype("U8"),
    "complex": lambda array: array.astype(complex),
    "flags": lambda array: array.astype(bool),
    "bytes": lambda array: array.tobytes(),
    "a list": lambda array: array.tolist(),
    "below": lambda array: array - 5 if array.dtype.kind == "i" else array[:, :1] if array.ndim == 2 else array - 5,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ARRAYS)
def test_altered_arrays_are_refused(name: str, change: str) -> None:
    record, arrays = written()
    refused(record, {**arrays, f"0/{name}": CHANGES[change](arrays[f"0/{name}"])})


@pytest.mark.parametrize("name", sorted(set(ARRAYS) - {"soft"}))
def test_a_missing_array_is_named(name: str) -> None:
    record, arrays = written()
    del arrays[f"0/{name}"]
    assert f"0/{name}" in refused(record, arrays)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("y", 2, "below 2, the classes"),
        ("supply", 2, "below 2, the origins"),
        ("generation", 0, "not below 1"),  # a new row cannot pass for a real one
        ("generation", 7, "as in the record"),
        ("soft", np.nan, "finite"),
        ("soft", 0.7, "sum to 1"),
        ("weight", np.inf, "finite"),
        ("weight", -1.0, "not below 0"),
        ("parents", -2, "not below -1"),
    ],
)
def test_values_out_of_range_are_named(name: str, value: float, words: str) -> None:
    record, arrays = written()
    wrong = arrays[f"0/{name}"].copy()
    wrong[0] = value
    assert words in refused(record, {**arrays, f"0/{name}": wrong})


def test_arrays_of_no_lane_are_refused() -> None:
    record, arrays = written()
    assert "1/X" in refused(record, {**arrays, "1/X": arrays["0/X"]})
