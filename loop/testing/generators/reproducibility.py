"""Laws of randomness, saving and inputs: the same seed gives the same rows, and nothing else is touched."""

import hashlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np

from loop.protocols import Generator, Private
from loop.rows import Rows
from loop.testing.generators.common import ANYWHERE, FAR, HOT, Make, column_regions, fitted, new_rng
from loop.testing.tables import mixed_table
from loop.types import Condition, Region, Request, Table


def saves_and_loads(make: Make) -> None:
    """A generator that can be saved samples the same rows once loaded, and loading runs no pickled code."""
    table = mixed_table().take(np.arange(100, 500))  # a lane: row numbers are not positions
    generator = make().fit(table, new_rng())
    if not hasattr(generator, "save"):
        return
    with tempfile.TemporaryDirectory() as folder:
        generator.save(Path(folder) / "saved")
        unpickled = _unpickled()
        unpickled.clear()
        loaded = type(generator).load(Path(folder) / "saved")  # type: ignore[attr-defined]
        assert not unpickled, f"loading unpickles {unpickled}"
    for region, label in ((ANYWHERE, None), (ANYWHERE, 1), (HOT, None), (HOT, 1)):
        one, other = (each.sample(Request(region, label, 50), new_rng()).table for each in (generator, loaded))
        assert _same(one.X, other.X), f"other rows for {region.text}, label {label}"
        assert np.array_equal(one.y, other.y)
        assert np.array_equal(one.parents, other.parents)


def repeats_itself_with_the_same_seed(make: Make) -> None:
    """A private generator says that its fit cannot be repeated: then no noise may come from the seed it is given."""
    if isinstance(make(), Private):
        given, request = new_rng(3), Request(ANYWHERE, 1, 40)
        fitted_once = make().fit(mixed_table(), given)
        assert given.bit_generator.state == new_rng(3).bit_generator.state, "noise comes from the seed"
        one, other = (fitted_once.sample(request, new_rng(4)).table for _ in range(2))
        assert _same(one.X, other.X)
        return
    assert _fingerprint(make()) == _fingerprint(make())


def follows_the_generator_it_is_given(make: Make) -> None:
    generator, request = make().fit(mixed_table(), new_rng()), Request(ANYWHERE, 1, 50)
    one, other = generator.sample(request, new_rng(1)), generator.sample(request, new_rng(2))
    assert not _same(one.table.X, other.table.X)


def leaves_the_global_random_state_alone(make: Make) -> None:
    np.random.random()  # noqa: NPY002 - moves the state, so that a part which seeds it shows each time
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    make().fit(mixed_table(), new_rng()).sample(Request(ANYWHERE, 1, 50), new_rng())
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


def draws_differently_for_different_classes(make: Make) -> None:
    half = mixed_table(300)
    half = replace(half, y=np.zeros_like(half.y))
    twins = Table.concat([half, replace(half, y=np.ones_like(half.y))])  # both classes hold the very same rows
    generator = make().fit(twins, new_rng())
    fine, fraud = (generator.sample(Request(ANYWHERE, label, 50), new_rng()).table for label in (0, 1))
    assert not _same(fine.X, fraud.X)


def leaves_the_table_alone(make: Make) -> None:
    table = mixed_table()
    before = pickle.dumps(table)
    generator = make().fit(table, new_rng())
    made = generator.sample(Request(column_regions(table)[0], 1, 50), new_rng()).table
    made.X[:] = 0  # what is handed out must not be a view either
    assert pickle.dumps(table) == before


def leaves_its_settings_alone(make: Make) -> None:
    generator = make()
    before = _settings(generator)
    generator.fit(mixed_table(), new_rng()).sample(Request(ANYWHERE, 1, 50), new_rng())
    assert _settings(generator) == before


def repeats_itself_in_another_process(*makes: Make) -> None:
    child = "import pickle, sys; from loop.testing.generators import reproducibility as g;"
    child += "[print(g._fingerprint(each)) for each in pickle.load(sys.stdin.buffer)]"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "12345"}
    makes = tuple(make for make in makes if not isinstance(make(), Private))
    unfitted = pickle.dumps([make() for make in makes])
    done = subprocess.run(
        [sys.executable, "-c", child], input=unfitted, env=environment, capture_output=True, check=True
    )
    for there, make in zip(done.stdout.decode().split(), makes, strict=True):
        assert there == _fingerprint(make()), f"{type(make()).__name__} makes other rows"


def ignores_arrays_it_does_not_know(make: Make) -> None:
    """With an unknown array beside the columns come the same rows, and all answers can be put together."""
    table = mixed_table()
    arrays = {"unknown": new_rng(9).normal(size=(len(table), 2, 3))}
    generator = make().fit(replace(table, rows=Rows(table.X, arrays)), new_rng())
    nowhere = Region((Condition(1, low=FAR),), text="nowhere")
    answers = []
    for region, label, n in ((ANYWHERE, None, 50), (HOT, 1, 50), (nowhere, 1, 5), (ANYWHERE, 1, 0)):
        request = Request(region, label, n)
        one, other = (each.sample(request, new_rng()).table for each in (fitted(make), generator))
        for name in () if isinstance(generator, Private) else ("X", "y", "parents"):  # its two fits differ
            assert _same(getattr(one, name), getattr(other, name)), f"other {name} for {region.text}"
        answers.append(other)
    assert len({tuple(each.rows.arrays) for each in answers}) == 1, "arrays come with some answers and not with others"


LAWS: tuple[Callable[[Make], None], ...] = (
    ignores_arrays_it_does_not_know,
    saves_and_loads,
    repeats_itself_with_the_same_seed,
    follows_the_generator_it_is_given,
    leaves_the_global_random_state_alone,
    draws_differently_for_different_classes,
    leaves_the_table_alone,
    leaves_its_settings_alone,
)
SLOW_LAWS: tuple[Callable[..., None], ...] = (repeats_itself_in_another_process,)


@cache
def _unpickled() -> list[object]:
    """Return the list of what has been unpickled in this process since the first call."""
    found: list[object] = []

    def note(event: str, details: tuple[object, ...]) -> None:
        if event == "pickle.find_class":
            found.append(details)

    sys.addaudithook(note)  # sees every unpickler, however it was imported; it cannot be removed again
    return found


def _fingerprint(generator: Generator) -> str:
    table = mixed_table()
    generator.fit(table, new_rng(3))
    digest = hashlib.sha256()
    for region in (ANYWHERE, *column_regions(table)[:2]):
        made = generator.sample(Request(region, 1, 40), new_rng(4)).table
        digest.update(made.X.tobytes() + made.y.tobytes() + made.parents.tobytes())
    return digest.hexdigest()


def _settings(generator: Generator) -> bytes:
    """Init fields as bytes, so that changes deep inside a setting show."""
    names = [field.name for field in fields(generator) if field.init]  # type: ignore[arg-type]
    return pickle.dumps({name: getattr(generator, name) for name in names})


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
