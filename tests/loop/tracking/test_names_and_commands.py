"""Names that MLflow takes whatever columns are called, commands that can be pasted, and fits that leave no runs."""

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from loop.errors import WeakspotError
from loop.support.commands import command, tracking_words
from loop.tracking import JsonlTracker, MlflowSettings, MlflowTracker
from loop.tracking.autologging import unlogged
from loop.tracking.records import _grouped

CLOSED_PORT = "http://127.0.0.1:9"
ODD = [".", "..", "a$", "a%", "a_", "a/b", "a//b", "/a", "größe", " ", "x" * 300 + "1", "x" * 300 + "2", "a\nb", "😀"]


def test_columns_of_any_name_have_metrics_of_their_own_that_mlflow_takes() -> None:
    from mlflow.utils.validation import _validate_metric_name

    for values in ({name: at for at, name in enumerate(ODD)}, {name: at for at, name in enumerate(reversed(ODD))}):
        told = _grouped("drift", values)
        assert sorted(told.values()) == sorted(values.values())
        for name in told:
            _validate_metric_name(name)
            assert len(f"challenger/{name}_high") <= 250


def test_a_name_does_not_depend_on_the_order_and_plain_ones_stay() -> None:
    one, other = _grouped("drift", {"a$": 1, "a%": 2, "age": 3}), _grouped("drift", {"age": 3, "a%": 2, "a$": 1})
    assert one == other
    assert one["drift/age"] == 3
    assert _grouped("drift", {"a$": 1}) == {"drift/a_": 1}


def test_a_printed_command_can_be_pasted() -> None:
    words = ["report", "my runs/it's 5 €"]
    assert shlex.split(command(*words)) == ["weakspot", *words]
    assert command("ui", *tracking_words("team.yaml")) == "weakspot ui --tracking team.yaml"
    assert tracking_words("auto") == tracking_words("none") == ()


def test_a_journal_is_sent_later_to_the_same_store(tmp_path: Path) -> None:
    folder = tmp_path / "my run"
    tracker = MlflowTracker(MlflowSettings(CLOSED_PORT), JsonlTracker(folder), ("--tracking", "team.yaml"))
    tracker.start({"name": "run", "params": {}, "tags": {}})
    assert tracker.failure is not None
    printed = tracker.failure.split("`")[1]
    assert shlex.split(printed) == ["weakspot", "upload", str(folder), "--tracking", "team.yaml"]


def test_automatic_logging_is_off_meanwhile_and_on_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow.utils.autologging_utils as real

    def off() -> bool:
        return bool(real._AUTOLOGGING_GLOBALLY_DISABLED)

    with unlogged():
        assert off()
    assert not off()
    monkeypatch.delitem(sys.modules, "mlflow.utils.autologging_utils")
    with unlogged():
        assert not off()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What MLflow's automatic logging was told."""
    told = list[str]()

    @contextmanager
    def disabled():  # type: ignore[no-untyped-def]
        told.append("off")
        yield

    monkeypatch.setitem(sys.modules, "mlflow.utils.autologging_utils", SimpleNamespace(disable_autologging=disabled))
    return told


def test_the_estimator_fits_without_it(seen: list[str]) -> None:
    from loop import LoopClassifier

    with pytest.raises(ValueError, match="y"):
        LoopClassifier(None, generator=None).fit([[1.0], [2.0]], None)  # type: ignore[arg-type]
    assert seen == ["off"]


def test_runs_of_the_command_line_do_without_it_too(tmp_path: Path, seen: list[str]) -> None:
    from rich.console import Console

    from experiments.config.run_config import RunConfig
    from experiments.run.run import run

    config = RunConfig.model_validate({"data": {"source": "sklearn:iris"}})
    with pytest.raises(WeakspotError):
        run(config, Console(quiet=True), resume=tmp_path)
    assert seen == ["off"]
