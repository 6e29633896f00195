"""Each planted fault is named first, after the messages, with what it is about; sound tables have no warning."""

import json
from io import StringIO
from pathlib import Path

import pytest
from planted_faults import PLANTED, leak, sound
from rich.console import Console
from small_runs import content, write, write_config
from typer.testing import CliRunner

from experiments.benchmarks import sanity
from experiments.cli.app import app
from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.data.sources import data_folder
from experiments.run.inputs import gather
from experiments.run.warnings import told_before
from experiments.sanity.checks import Before

QUICK = ("yeast_me2", "wine_quality", "oil_spill", "kc1")  # tables of the suite
ABOUT = {
    "leak": "'refunded'",
    "identifier": "'account'",
    "few in test": "among 12 rows",
    "chance": "0.9 times the share",
    "contradictions": "exact copies",
}


def told(path: Path, **roles: str) -> tuple[Before, list[str]]:
    """Return what is found in a table, and the lines that are printed."""
    options = {"data.source": str(path), "data.target": "fraud", "data.positive": "1"}
    options |= {f"data.{role}": column for role, column in roles.items()}
    config, console = load_config(RunConfig, None, options), Console(file=StringIO(), width=80)
    inputs = gather(config.data, config.loop)
    found = told_before(config, inputs, console)
    assert isinstance(console.file, StringIO)
    return found, console.file.getvalue().splitlines()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_the_only_warning_by_name(name: str, tmp_path: Path) -> None:
    make, roles = PLANTED[name]
    _, lines = told(write(tmp_path, make()), **roles)
    assert [line.partition(":")[0] for line in lines] == [f"Warning ({name})"], lines
    assert ABOUT[name] in lines[0]
    assert lines[0].endswith(".")


def test_a_test_part_left_over_says_how_many_rows_were_left_out_and_why(tmp_path: Path) -> None:
    make, roles = PLANTED["few in test"]
    _, (line,) = told(write(tmp_path, make()), **roles)
    assert "708 of 2,400 rows were left out, 708 as their 'card' is in the training part, too" in line
    assert "use the time or the group alone" in line


def test_a_sound_table_has_no_warning(tmp_path: Path) -> None:
    assert told(write(tmp_path, sound()))[1] == []


def test_a_run_says_it_before_work_and_at_the_top_of_every_report(tmp_path: Path) -> None:
    settings = content(write(tmp_path, leak()), tmp_path / "out", generations=1)
    settings["data"] |= {"positive": "1"}  # type: ignore[operator]
    settings["deliver"] = "loop"
    result = CliRunner().invoke(app, ["run", str(write_config(tmp_path, settings)), "--no-arms"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Warning"))
    assert lines[first].startswith("Warning (leak): 'refunded'")
    assert "sealed" in lines[first - 1]  # the last message
    (folder,) = (tmp_path / "out").iterdir()
    warnings = json.loads((folder / "report.json").read_text())["warnings"]
    assert [each["name"] for each in warnings] == ["leak", "too good"]
    again = CliRunner().invoke(app, ["report", str(folder)]).stdout.splitlines()
    top = [line for line in again if line.strip()][:8]
    assert top[0].startswith("Check the data before you believe any score here: 'refunded'")
    warned = [line.partition(":")[0] for line in top if line.startswith("Warning")]
    assert warned == ["Warning (leak)", "Warning (too good)"]
    page = (folder / "report.html").read_text()
    assert page.index("Check the data") < page.index("Warning (too good)") < page.index('<dl class="facts">')
    records = [json.loads(line) for line in (folder / "journal" / "records.jsonl").read_text().splitlines()]
    tags = [each["values"]["warnings"] for each in records if "warnings" in each.get("values", {})]
    assert [tag.count("leak: ") for tag in tags] == [1, 1]
    assert ["too good" in tag for tag in tags] == [False, True]


@pytest.mark.skipif(not data_folder().is_dir(), reason="WEAKSPOT_DATA is not there")
@pytest.mark.parametrize("table", QUICK)
def test_tables_of_the_suite_have_only_warnings_that_are_true(table: str) -> None:
    found = {each.name for each in sanity.warnings_of(table)}
    assert found == {name for of, name in sanity.TRUE if of == table}
