"""Data cards: what rows are and are not for, from a run and from the command, and nothing of the data acts in them."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from asked_runs import call
from small_runs import content, frame, write

from experiments.report.report import Report
from experiments.trust.card import NO_LICENCE, OF_A_LOOP, Card, card_of
from experiments.trust.provenance.record import TABLE, Input, Provenance

HEADINGS = (
    *("What they are", "What they were made from", "How", "What they are not for"),
    *("Do they tell whose rows they were made from?", "Licence"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is audited."""
    place = tmp_path_factory.mktemp("card")
    settings = content(write(place, frame(700)), place / "out", generations=1) | {"audit": True, "deliver": "loop"}
    settings["data"] |= {"licence": "CC-BY-4.0", "origin": "the data office"}
    (place / "config.yaml").write_text(yaml.safe_dump(settings))
    call("run", place / "config.yaml")
    (made,) = (place / "out").iterdir()
    return made


def test_a_run_has_a_card_with_all_sections(run: Path) -> None:
    told = (run / "data_card.md").read_text()
    assert [line.removeprefix("## ") for line in told.splitlines() if line.startswith("## ")] == list(HEADINGS)
    rows = pd.read_parquet(run / "synthetic.parquet")
    assert f"{len(rows):,} synthetic rows" in told
    assert "Made by: Neighbourhood" in told
    assert "CC-BY-4.0" in told
    assert OF_A_LOOP[:40] in told
    page = (run / "report.html").read_text()
    assert all(f'<h3 class="card">{heading}</h3>' in page for heading in HEADINGS)


def test_a_run_is_audited(run: Path) -> None:
    report = Report.load(run)
    assert report.audit["state"] in ("leaks", "none seen", "unknown")
    assert report.audit["verdict"] in (run / "report.html").read_text().replace("&#39;", "'")
    assert set(report.audit["rows"]) == {
        *("real rows", "held-out rows", "synthetic rows", "members", "controls", "reference")
    }
    assert report.audit["headline"]["utility_auc"] is None  # no model is trained on new rows alone
    assert report.audit["headline"]["detection_auc"] > 0.5


@pytest.mark.parametrize(("rows", "wanted"), [(700, False), (240, True)])
def test_an_audit_can_be_left_out_and_few_rows_have_none(rows: int, wanted: bool, tmp_path: Path) -> None:
    settings = content(write(tmp_path, frame(rows)), tmp_path / "out", generations=1) | {"audit": wanted}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    call("run", tmp_path / "config.yaml")
    (made,) = (tmp_path / "out").iterdir()
    assert Report.load(made).audit == {}
    assert "weakspot audit RUN" in (made / "data_card.md").read_text()


def test_generated_rows_have_a_card(run: Path, tmp_path: Path) -> None:
    call("generate", run, "--n", 20, "--out", tmp_path / "rows.csv")
    told = (tmp_path / "rows.csv.card.md").read_text()
    assert "20 synthetic rows, 5 columns" in told
    assert "CC-BY-4.0" in told


def test_nothing_of_the_data_acts() -> None:
    rows = pd.DataFrame({"a<script>": [1], "y": ["[x](http://evil)"]})
    made_from = Provenance("0" * 64, "0", (Input(TABLE, "t|`rm`.csv", None),))
    told = card_of("*odd*\u202e", rows, "y", made_from, ["<b>how</b>"], "fine").markdown
    for odd in ("<script>", "](http", "<b>", "\u202e", "`rm`"):
        assert odd not in told
    assert NO_LICENCE[:30] in told


def test_a_card_is_read_as_it_was_written() -> None:
    card = card_of("t", frame(5), "fraud", None, ["how"], "fine")
    assert Card.read({"title": card.title, "sections": [list(each) for each in card.sections]}) == card
