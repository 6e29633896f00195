"""Foundation models: what is refused, what reaches the package, how its answers come back; packages where there."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from learners import LEARNERS, Committee, Foundation, Linear
from learners.common.nested import storable
from loop.errors import ConfigError, DataError
from loop.rows import Rows
from loop.support.parallel.torch_threads import threads
from loop.testing.learners import LAWS, blobs, with_category
from loop.testing.tables import mixed_table
from loop.testing.teachers import LAWS as TEACHER_LAWS
from loop.types import Table

ROOT = Path(__file__).parents[3]
CALLS: list[tuple[str, Any]] = []  # what the stand-in was asked: ("fit", frame) and ("predict", frame)
REFUSED = {  # laws on soft labels and weights
    "check_weight_counts",
    "check_soft_labels_are_learnt",
    "check_soft_labels_of_three_classes_are_learnt",
}
OF_QUALITY = {  # laws that weights drawn at random cannot keep
    "check_three_classes",
    "check_beats_the_prior",
    "check_missing_values",
    "check_heavy_tail",
    "check_categories_are_used",
}
KEPT = [law for law in LAWS if law.__name__ not in REFUSED]


class StandIn:
    """A classifier called like those of the packages."""

    def __init__(self, *, model_path: str | None, n_estimators: int, random_state: int, **others: Any) -> None:
        self.settings = {"model_path": model_path, "n_estimators": n_estimators, **others}
        self.trees = ExtraTreesClassifier(60, max_features=None, min_samples_leaf=2, random_state=random_state)

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        CALLS.append(("fit", X))
        self.trees.fit(self.codes(X), y)
        self.classes_ = self.trees.classes_
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        CALLS.append(("predict", X))
        return self.trees.predict_proba(self.codes(X)).astype(np.float32)

    @staticmethod
    def codes(X: pd.DataFrame) -> np.ndarray:
        return np.column_stack([x.cat.codes if x.dtype == "category" else x for _, x in X.items()]).astype(float)


class WithoutWeights(StandIn):
    """TabICL without weights on disk, that may not download any."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        raise ValueError("Checkpoint 'tabicl.ckpt' not cached and automatic download is disabled.\nSet more.")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put stand-ins in the place of the packages."""
    for name, public in (("tabicl", "TabICLClassifier"), ("tabpfn", "TabPFNClassifier")):
        module: Any = ModuleType(name)
        setattr(module, public, StandIn)
        monkeypatch.setitem(sys.modules, name, module)
    CALLS.clear()
    yield
    CALLS.clear()


def fitted(table: Table, seed: int = 0, **settings: Any) -> Foundation:
    return Foundation(**settings).fit(table, np.random.default_rng(seed))


def frames(what: str) -> list[pd.DataFrame]:
    return [frame for name, frame in CALLS if name == what]


# Without the packages


def test_a_missing_package_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tabicl", None)  # Python then raises ImportError
    with pytest.raises(ConfigError, match=r"^Foundation.*tabicl.*pip install 'weakspot\[foundation\]'\.$"):
        LEARNERS.make("foundation")


def test_names_and_classes_load_no_package() -> None:
    code = (
        "import sys, learners; learners.LEARNERS.names(), learners.Foundation\n"
        "sys.exit(bool({'tabicl', 'tabpfn', 'torch'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("model", ["os:system", "sklearn.ensemble:ExtraTreesClassifier", "tabicl:TabICLRegressor", ""])
def test_nothing_but_the_known_packages_is_imported(model: Any, package: None) -> None:
    with pytest.raises(ConfigError, match=r"model must be one of tabicl, tabpfn, got '.*: choose one"):
        Foundation(model=model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"most_rows": 99}, "most_rows must be at least 100, got 99"),
        ({"most_classes": 1}, "most_classes must be at least 2"),
        ({"most_classes": 101}, "most_classes must be at most 100"),
        ({"most_columns": 0}, "most_columns must be at least 1"),
        ({"estimators": 0}, "estimators must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"jobs": 0}, "jobs must be at least 1"),
        (
            {"checkpoint": "nowhere.ckpt"},
            "checkpoint must be a file with weights of tabicl, and 'nowhere.ckpt' is none",
        ),
        ({"model": "tabpfn"}, "checkpoint must be given for tabpfn, .* download .* by itself"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str, package: None) -> None:
    with pytest.raises(ConfigError, match=message):
        Foundation(**settings)


def test_weights_that_are_not_on_disk_are_told_in_one_sentence(package: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["tabicl"], "TabICLClassifier", WithoutWeights)
    with pytest.raises(ConfigError, match="the weights of tabicl must be on disk, and none were found") as told:
        fitted(blobs())
    assert "\n" not in str(told.value)


def test_an_error_of_the_package_stays_what_it_is(
    package: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["tabicl"], "TabICLClassifier", WithoutWeights)
    (tmp_path / "weights.ckpt").touch()
    with pytest.raises(ValueError, match="not cached") as told:
        fitted(blobs(), checkpoint=str(tmp_path / "weights.ckpt"))
    assert not isinstance(told.value, ConfigError)


# What is refused


def test_soft_labels_are_refused(package: None) -> None:
    table = blobs()
    soft = table.targets.copy()
    soft[:7] = (0.4, 0.6)
    with pytest.raises(DataError, match=r"hard labels only, and 7 of 300 rows have soft ones: use it as a member"):
        fitted(replace(table, soft=soft))
    assert CALLS == []


def test_uneven_weights_are_refused_and_even_ones_taken(package: None) -> None:
    table = blobs()
    with pytest.raises(DataError, match=r"one weight only, got weights from 0\.5 to 1: leave"):
        fitted(replace(table, weight=np.where(table.y == 1, 1.0, 0.5)))
    assert len(frames("fit")) == 0
    fitted(replace(table, weight=np.full(len(table), 0.3)))
    assert len(frames("fit")) == 1


def test_a_table_beyond_the_limits_is_refused_with_the_way_out(package: None) -> None:
    with pytest.raises(DataError, match=r"at most 2 columns, got 3: leave some out, or raise most_columns"):
        fitted(blobs(), most_columns=2)
    with pytest.raises(DataError, match=r"at most 2 classes, got 3: .* most_classes .* tabicl"):
        fitted(blobs(n_classes=3), most_classes=2)


def test_it_cannot_be_saved_alone_or_in_a_committee(package: None) -> None:
    with pytest.raises(
        ConfigError, match=r"must be one of xgboost.*lightgbm, .*or .* got Foundation: use another"
    ) as told:
        storable(Foundation())
    assert "foundation" not in str(told.value)
    with pytest.raises(ConfigError, match="got Foundation inside Committee"):
        storable(Committee(members=(Linear(), Foundation())))


# What reaches the package, and how its answers come back


def test_settings_reach_the_package(package: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.ckpt").touch()
    where = str(tmp_path / "weights.ckpt")
    free, given = fitted(blobs(), estimators=3).model_, fitted(blobs(), checkpoint="weights.ckpt").model_
    assert free.settings == {"model_path": None, "n_estimators": 3, "allow_auto_download": False}
    assert given.settings == {"model_path": where, "n_estimators": 8, "allow_auto_download": False}
    other = fitted(blobs(), model="tabpfn", checkpoint="weights.ckpt").model_
    assert other.settings == {"model_path": where, "n_estimators": 8, "ignore_pretraining_limits": True}


def test_categories_are_declared_and_missing_values_left_missing(package: None) -> None:
    rng = np.random.default_rng(0)
    table = with_category(blobs(), rng.integers(0, 8, size=300))
    X = table.X.copy()
    X[:3, 0], X[0, 2], X[1, 2] = np.nan, np.nan, 77  # the schema has ten categories
    fitted(replace(table, rows=Rows(X)))
    (frame,) = frames("fit")
    assert [dtype == "category" for dtype in frame.dtypes] == [False, False, True]
    assert frame["0"].isna().sum() == 3
    assert frame["2"].cat.codes[:2].tolist() == [-1, -1]
    np.testing.assert_array_equal(frame["2"].cat.codes[2:], X[2:, 2])
    np.testing.assert_array_equal(frame["1"], X[:, 1])


def test_a_large_table_is_cut_by_class_and_probabilities_are_corrected(package: None) -> None:
    table = blobs()
    table = Table.concat([table] * 20)  # 5,400 and 600 rows
    cut = fitted(table, most_rows=1200)
    (context,) = frames("fit")
    assert len(context) == 1200
    np.testing.assert_allclose(cut.kept_, [600 / 5400, 1.0])
    raw = cut.model_.predict_proba(context)
    odds = raw / cut.kept_
    np.testing.assert_allclose(
        cut.predict_proba(Rows(context.to_numpy())), odds / odds.sum(axis=1, keepdims=True), rtol=1e-6
    )
    assert abs(cut.predict_proba(table.rows)[:, 1].mean() - 0.1) < 0.03
    assert raw[:, 1].mean() > 0.3


def test_rows_of_weight_zero_are_no_context(package: None) -> None:
    table = blobs()
    fitted(replace(table, weight=(np.arange(300) % 3 > 0).astype(float)))
    assert len(frames("fit")[0]) == 200


def test_rows_are_predicted_in_batches(package: None) -> None:
    table = blobs()
    many, one = fitted(table, batch=70), fitted(table)
    CALLS.clear()
    np.testing.assert_array_equal(many.predict_proba(table.rows), one.predict_proba(table.rows))
    assert [len(frame) for frame in frames("predict")] == [70, 70, 70, 70, 20, 300]


def test_an_absent_class_keeps_its_column(package: None) -> None:
    table = blobs(n_classes=3)
    proba = fitted(table.take(table.y != 1)).predict_proba(table.rows)
    assert proba.shape == (300, 3)
    assert (proba[:, 1] == 0).all()
    assert proba[table.y == 2, 2].mean() > 0.7


def test_one_class_needs_no_model(package: None) -> None:
    table = blobs()
    proba = fitted(table.take(table.y == 0)).predict_proba(table.rows)
    np.testing.assert_array_equal(proba, np.tile([1.0, 0.0], (300, 1)))
    assert CALLS == []


def test_seconds_since_1970_are_not_rounded_away(package: None) -> None:
    table = blobs()
    start = 1.7e9
    X = np.column_stack([table.X[:, :2], start + np.arange(300)])
    columns = (*table.schema.columns[:2], replace(table.schema.columns[2], low=start, high=start + 299))
    fitted(replace(table, rows=Rows(X), schema=replace(table.schema, columns=columns)))
    np.testing.assert_array_equal(frames("fit")[0]["2"], np.arange(300))


def test_the_number_of_threads_holds_inside_only() -> None:
    import torch

    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with threads(before + 2):
            assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("law", KEPT, ids=lambda law: law.__name__)
def test_laws_of_learners_hold_on_a_stand_in(law: Callable[[Any], None], package: None) -> None:
    law(Foundation)


@pytest.mark.parametrize("law", TEACHER_LAWS, ids=lambda law: law.__name__)
def test_a_committee_with_it_keeps_the_laws_of_teachers(law: Callable[[Any], None], package: None) -> None:
    law(lambda: Committee(members=(Foundation(), Linear()), jobs=1))


# With the packages, and weights drawn at random


@pytest.fixture(params=["tabicl", "tabpfn"])
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Foundation]:
    """Return the maker of a foundation model whose weights are a tiny network of its package, drawn at random."""
    model, path = request.param, tmp_path / "weights.ckpt"
    pytest.importorskip(model)
    CHECKPOINTS[model](path)
    return lambda: Foundation(model, str(path), most_rows=200, estimators=2)


def write_tabicl(path: Path) -> None:
    from tabicl._model.tabicl import TabICL

    sizes = {"embed_dim": 16, "col_num_inds": 4, "row_num_cls": 2, "ff_factor": 1}
    blocks = {f"{part}_num_blocks": 1 for part in ("col", "row", "icl")}
    heads = {f"{part}_nhead": 2 for part in ("col", "row", "icl")}
    config = {"max_classes": 10, **sizes, **blocks, **heads}
    write_drawn(path, TabICL(**config), config)


def write_tabpfn(path: Path) -> None:
    from tabpfn.architectures import ARCHITECTURES

    architecture = ARCHITECTURES["tabpfn_v2"]
    config = {"max_num_classes": 10, "num_buckets": 10, "emsize": 16, "nlayers": 1, "nhead": 2}
    parsed, _ = architecture.parse_config(config)
    write_drawn(path, architecture.get_architecture(parsed), config, architecture_name="tabpfn_v2")


CHECKPOINTS: dict[str, Callable[[Path], None]] = {"tabicl": write_tabicl, "tabpfn": write_tabpfn}


def write_drawn(path: Path, network: Any, config: dict[str, Any], **others: Any) -> None:
    """Save a network with weights drawn at random, as its package saves one."""
    import torch

    draw = torch.Generator().manual_seed(0)
    drawn = {
        name: torch.randn(value.shape, generator=draw) * 0.3 if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    torch.save({"config": config, "state_dict": drawn, **others}, path)


@pytest.mark.parametrize("law", [law for law in KEPT if law.__name__ not in OF_QUALITY], ids=lambda law: law.__name__)
def test_laws_of_learners_hold_with_the_package(law: Callable[[Any], None], drawn: Callable[[], Foundation]) -> None:
    law(drawn)


def test_context_and_seed_decide_what_the_package_says(drawn: Callable[[], Foundation]) -> None:
    table = mixed_table(300)
    one = drawn().fit(table, np.random.default_rng(0)).predict_proba(table.rows)
    assert one.std(axis=0).min() > 1e-4  # it looks at the rows
    flipped = replace(table, y=1 - table.y)
    assert np.abs(drawn().fit(flipped, np.random.default_rng(0)).predict_proba(table.rows) - one).max() > 1e-3
    again = drawn().fit(table, np.random.default_rng(0)).predict_proba(table.rows)
    np.testing.assert_array_equal(again, one)
    other = drawn().fit(table, np.random.default_rng(1)).predict_proba(table.rows)
    assert np.abs(other - one).max() > 1e-6


def test_tabicl_without_weights_on_disk_downloads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tabicl")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match="the weights of tabicl must be on disk, and none were found"):
        fitted(blobs())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_committee_of_it_teaches(drawn: Callable[[], Foundation]) -> None:
    table = mixed_table(200)
    teacher = Committee(members=(drawn(), Linear()), jobs=2)
    teacher.fit_folds(table, np.arange(200) % 3, np.random.default_rng(0))
    proba, variance = teacher.views(table.rows, 0)
    assert proba.shape == (200, 2)
    assert variance.shape == (200,)
    assert np.isfinite(teacher.oof_).all()
