"""Which interpreters are taken, and that nothing of ours reaches them."""

import ast
import sys
from pathlib import Path

import pytest
from autogluon_peer import Peer

from experiments.benchmarks.autogluon.environment import WORKER, Environment
from loop.errors import DataError


@pytest.mark.parametrize(
    ("python", "fault"),
    [
        ("nowhere/python", "is no program"),
        (sys.executable, "has no autogluon.tabular"),
        ("true", "leaves no answer"),
        ("ls", "it says"),
    ],
)
def test_interpreters_without_autogluon_are_refused(python: str, fault: str) -> None:
    with pytest.raises(DataError, match=f"^--python must .*{fault}.*: (make|correct) [^\n]*$"):
        Environment.of(Path(python))


def test_a_file_that_does_not_start_is_refused(tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(b"\x00\x01")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(DataError, match="does not start"):
        Environment.of(tmp_path / "python")


def test_the_worker_stands_alone() -> None:
    tree = ast.parse(WORKER.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, "numpy", "pandas", "autogluon"}


def test_nothing_of_ours_is_imported_there(peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the working folder nor that of the worker nor PYTHONPATH is searched for what AutoGluon needs."""
    for name in ("autogluon", "pandas"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    peer.run(tmp_path / "out")
    steps = peer.told()
    assert len(steps) == 2
    for step in steps:
        assert not {"", str(tmp_path), str(WORKER.parent)} & set(step["sys_path"])  # type: ignore[call-overload]
        assert "PYTHONPATH" not in step["environ"]  # type: ignore[operator]  # its helper processes would follow it


def test_an_environment_is_known_by_the_path_of_its_link(peer: Peer) -> None:
    assert peer.python.is_symlink()
    environment = Environment.of(peer.python)
    assert environment.python == str(peer.python)
    assert environment.versions["autogluon.tabular"] == "9.9"


def test_models_that_cannot_run_for_lack_of_a_library_are_named() -> None:
    every = dict.fromkeys(("autogluon.tabular", "catboost", "fastai", "lightgbm", "torch"), "1.0")
    assert Environment("python", every).sentence == "AutoGluon 1.0."
    del every["torch"], every["fastai"]
    assert Environment("python", every).sentence == "AutoGluon 1.0; it has no fastai, no torch, so no models of these."
