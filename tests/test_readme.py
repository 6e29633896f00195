"""The README is code: its Python runs, its commands exist, its map names what is there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_python_blocks_run(capsys):
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "roven gain" in printed
    assert "ws_parent" in printed


def test_file_map_names_what_is_there():
    paths = re.findall(r"^\| `([^`]+)` \|", README, flags=re.MULTILINE)
    assert len(paths) >= 7
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_file_map_names_every_top_level_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= {path.strip("/") for path in re.findall(r"^\| `([^`]+)` \|", README, flags=re.MULTILINE)}


def test_pictures_are_there():
    assert [path for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README) if not (ROOT / path).is_file()] == []


def test_make_targets_exist():
    targets = re.findall(r"^make (\w+)", "\n".join(blocks("bash")), flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"demo", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def commands() -> list[list[str]]:
    lines = [line.split() for block in blocks("bash") for line in block.splitlines()]
    return [line[1:] for line in lines if line and line[0].endswith("weakspot")]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_and_options_exist(words):
    from experiments.cli import app

    group = get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_measured_figures_name_their_commands():
    section = README.split("## What was measured")[1].split("\n## ")[0]
    assert "python -m experiments.suite" in section
