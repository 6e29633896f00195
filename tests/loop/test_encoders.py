"""Columns made of arrays: learnt from training rows, written to JSON, made anew when an array changes."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.data.sources import Dataset
from experiments.data.split import Split
from experiments.sanity.checks import after_work, before_work
from generators import Neighbourhood, Resample
from learners import XGBoost
from learners.encoders.pixels import Pixels
from loop import LoopClassifier
from loop.data.encoding import decode, encode, encode_features, original_names
from loop.data.retyping import retyped
from loop.data.schema import infer
from loop.data.schema_json import from_json, to_json
from loop.encoders import misfit, reads, rows_of
from loop.errors import DataError
from loop.model import Model
from loop.rows import Rows
from loop.types import Region, Request, Schema

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (60, 1, 6, 5), dtype=np.uint8)


def frame(pictures: np.ndarray = PICTURES) -> pd.DataFrame:
    """Return pictures beside a column of numbers, of two classes by their brightness."""
    y = np.where(pictures.reshape(len(pictures), -1).mean(axis=1) > 128, "bright", "dark")
    return pd.DataFrame({"picture": list(pictures), "size": np.arange(len(pictures)) / 7, "kind": y})


def schema_of(rows: pd.DataFrame) -> Schema:
    return infer(rows, "kind", encoders={"picture": Pixels(components=3)})


def test_columns_take_the_place_of_the_array() -> None:
    rows = frame()
    schema = schema_of(rows)
    table = encode(schema, rows)
    made = ("picture_brightness", "picture_contrast", "picture_component_1", "picture_component_2")
    assert schema.names[:5] == ("size", *made)
    assert original_names(schema) == ["size", "picture"]
    np.testing.assert_array_equal(table.rows.arrays["picture"], PICTURES)
    brightness = table.X[:, schema.names.index("picture_brightness")]
    np.testing.assert_allclose(brightness, PICTURES.reshape(60, -1).mean(axis=1) / 255, rtol=1e-5)
    assert table.rows.arrays["picture"].dtype == np.uint8, "images must stay bytes"


def test_a_schema_with_arrays_is_read_back_from_json() -> None:
    rows = frame()
    schema = schema_of(rows)
    again = from_json(json.loads(json.dumps(to_json(schema))))
    np.testing.assert_array_equal(encode(again, rows).X, encode(schema, rows).X)
    assert "arrays" not in to_json(infer(rows.drop(columns="picture"), "kind")), "a table is written as it always was"


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["arrays"][0].update(encoder="os"),
        lambda told: told["arrays"][0]["learnt"].update(components="many"),
        lambda told: told["arrays"][0]["learnt"]["view"].update(centre="AAAA"),
        lambda told: told["arrays"][0]["learnt"]["view"].update(directions="no base64"),
        lambda told: told["arrays"][0]["learnt"].update(shape=[1, 6]),
        lambda told: told["arrays"][0].pop("column"),
    ],
)
def test_a_schema_whose_encoder_was_altered_is_refused(change: object) -> None:
    told = json.loads(json.dumps(to_json(schema_of(frame()))))
    change(told)  # type: ignore[operator]
    with pytest.raises(DataError):
        from_json(told)


def test_the_encoder_knows_nothing_of_test_rows() -> None:
    rows = frame()
    dataset = Dataset("pictures", rows, "kind", encoders={"picture": Pixels()})
    split = Split.of(dataset, 0)
    other = rows.copy()
    for position in split.test.row_number:
        other.at[position, "picture"] = 255 - rows.at[position, "picture"]
    again = Split.at(replace(dataset, frame=other), split.train.row_number, split.test.row_number)
    assert to_json(again.schema) == to_json(split.schema)
    assert (again.test.X != split.test.X).any()


def test_copies_of_a_picture_are_on_one_side() -> None:
    twice = np.concatenate([PICTURES, PICTURES[:20]])
    rows = frame(twice).drop(columns="size")
    split = Split.of(Dataset("pictures", rows, "kind", encoders={"picture": Pixels()}), 1)
    sides = np.zeros(80, dtype=int)
    sides[split.train.row_number], sides[split.test.row_number] = 1, 2
    np.testing.assert_array_equal(sides[:20], sides[60:])


def test_columns_are_made_anew_of_a_changed_array() -> None:
    table = encode(schema_of(frame()), frame())
    changed = {"picture": 255 - table.rows.arrays["picture"]}
    rows = rows_of(table.schema, table.X, changed)
    at = table.schema.names.index("picture_brightness")
    np.testing.assert_allclose(rows.X[:, at], 1 - table.X[:, at], atol=1e-6)
    np.testing.assert_array_equal(rows.X[:, 0], table.X[:, 0])


def test_a_model_takes_lists_in_the_place_of_arrays() -> None:
    rows = frame()
    table = encode(schema_of(rows), rows)
    model = Model(table.schema, XGBoost(trees=5).fit(table, np.random.default_rng(0)))
    lists = rows.assign(picture=[cell.tolist() for cell in rows["picture"]])
    served = retyped(table.schema, json_round_trip(lists[["picture", "size"]]))
    np.testing.assert_array_equal(model.predict_proba(served), model.predict_proba(rows))


def json_round_trip(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(**json.loads(json.dumps(rows.to_dict(orient="split"))))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (None, "must have channels, height and width"),
        (np.zeros((1, 4, 4), dtype=np.uint8), "must all have the shape"),
        (np.full((1, 6, 5), 300), "from 0 to 255"),
        (np.full((1, 6, 5), np.nan), "a value in each pixel"),
        (np.zeros((1, 6, 5), dtype=np.float32), "must all be uint8"),
        ([[1, 2], [3]], "rows of equal length"),
        ("picture.png", "must have channels, height and width"),
    ],
)
def test_a_cell_that_is_no_such_picture_is_refused_in_a_sentence(cell: object, words: str) -> None:
    rows = frame()
    schema = schema_of(rows)
    rows["picture"] = [cell, *rows["picture"].iloc[1:]]
    with pytest.raises(DataError, match=words) as told:
        encode_features(schema, rows)
    assert len(str(told.value)) <= 300


def test_a_missing_column_and_a_taken_name_are_refused() -> None:
    rows = frame()
    with pytest.raises(DataError, match="'picture' must be in the data"):
        encode_features(schema_of(rows), rows.drop(columns="picture"))
    with pytest.raises(DataError, match="'picture_contrast' already"):
        schema_of(rows.assign(picture_contrast=1.0))
    with pytest.raises(DataError, match="is the target"):
        infer(rows, "kind", encoders={"kind": Pixels()})


def test_decoded_rows_are_columns() -> None:
    table = encode(schema_of(frame()), frame())
    assert "picture" not in decode(table.schema, table)


def test_what_suits_rows_with_arrays() -> None:
    table = encode(schema_of(frame()), frame())
    bare = infer(frame().drop(columns="picture"), "kind")
    assert misfit(XGBoost(), table.schema) is None, "a learner may look at the columns alone"
    assert "makes columns alone" in str(misfit(Neighbourhood(), table.schema, makes_rows=True))
    assert misfit(Resample(), table.schema, makes_rows=True) is None
    assert misfit(Neighbourhood(), bare, makes_rows=True) is None

    class OfCurves:
        reads = "curves"

    assert reads(OfCurves) == "curves"
    assert "needs a column encoded by curves" in str(misfit(OfCurves(), table.schema))
    assert "the rows have none" in str(misfit(OfCurves(), bare))


def test_resampled_rows_bring_their_arrays() -> None:
    table = encode(schema_of(frame()), frame())
    made = Resample().fit(table, RNG).sample(Request(Region(), 1, 9), np.random.default_rng(1)).table
    np.testing.assert_array_equal(made.rows.arrays["picture"], PICTURES[made.parents[:, 0]])


def test_the_estimator_takes_arrays_in_cells() -> None:
    rows = frame()
    model = LoopClassifier(
        XGBoost(trees=5),
        generator=Resample(),
        teacher=None,
        generations=1,
        lanes=2,
        encoders={"picture": Pixels(components=2)},
        random_state=0,
    )
    model.fit(rows.drop(columns="kind"), rows["kind"])
    assert "picture_brightness" in model.model_.schema.names
    assert model.predict_proba(rows.drop(columns="kind")).shape == (60, 2)


def test_nobody_is_warned_that_images_are_told_apart_too_well() -> None:
    table = encode(schema_of(frame()), frame())
    proba = np.eye(2)[table.y]
    before = before_work(table, table, 0)
    bare = replace(table, rows=Rows(table.X), schema=replace(table.schema, arrays=()))
    names = [each.name for each in after_work(before, table, proba)]
    assert "too good" not in names
    assert "too good" in [each.name for each in after_work(before_work(bare, bare, 0), bare, proba)]


class Stranger(Pixels):
    """An encoder that nobody has registered."""


def test_an_encoder_that_is_not_registered_cannot_be_saved() -> None:
    schema = infer(frame(), "kind", encoders={"picture": Stranger()})
    with pytest.raises(DataError, match="must be registered to be saved"):
        to_json(schema)


@pytest.mark.parametrize("again", [0, 0.0, False])
def test_a_class_that_is_there_twice_is_refused_though_it_is_nothing(again: object) -> None:
    rows = frame().drop(columns="picture").assign(kind=np.arange(60) % 3)
    told = json.loads(json.dumps(to_json(infer(rows, "kind"))))
    told["classes"][1] = again
    with pytest.raises(DataError, match="once each"):
        from_json(told)
