"""The README is code: its Python runs, its commands exist, its map names what is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from experiments.config.constraints import checked
from generators import GENERATORS, WRAPPERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


PAGES = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def test_python_blocks_run(capsys):
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "roven gain" in printed
    assert "ws_parents" in printed


def test_file_map_names_what_is_there():
    paths = re.findall(r"^\| `([^`]+)` \|", README, flags=re.MULTILINE)
    assert len(paths) >= 7
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_file_map_names_every_top_level_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= {path.strip("/") for path in re.findall(r"^\| `([^`]+)` \|", README, flags=re.MULTILINE)}


@pytest.mark.parametrize("package", ["loop", "generators", "learners", "experiments"])
def test_file_map_names_every_folder_of_a_package(package):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{package}/` |")]
    folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    assert folders <= set(re.findall(r"`(\w+)/`", row))


@pytest.mark.parametrize("name", PAGES)
def test_pictures_and_pages_are_there(name):
    folder = ROOT if name == "README.md" else ROOT / "docs"
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGES[name]) if not link.startswith("http")]
    assert [link for link in links if not (folder / link).is_file()] == []


def test_constraints_in_the_pages_are_read():
    for page in PAGES.values():
        for block in blocks("yaml", page):
            for entry in yaml.safe_load(block).get("constraints", []):
                checked(entry)


def test_the_page_on_generators_names_them_all():
    named = set(re.findall(r"`(\w+)`", PAGES["strategies.md"]))
    assert {*GENERATORS.names(), *WRAPPERS.names()} <= named


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (experiments[\w.]*)", "\n".join(PAGES.values())))))
def test_commands_of_modules_exist(module):
    """What is run with -m is a module, or a package with a ``__main__``."""
    found = find_spec(module.rstrip("."))
    assert found is not None
    assert found.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None


def test_make_targets_exist():
    targets = re.findall(r"^make (\w+)", "\n".join(blocks("bash")), flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"demo", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def commands() -> list[list[str]]:
    lines = [line.split() for page in PAGES.values() for block in blocks("bash", page) for line in block.splitlines()]
    return [line[1:] for line in lines if line and line[0].endswith("weakspot")]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_and_options_exist(words):
    from experiments.cli.app import app

    group = get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_measured_figures_name_their_commands():
    section = README.split("## What was measured")[1].split("\n## ")[0]
    assert "python -m experiments.benchmarks.plain_models" in section
