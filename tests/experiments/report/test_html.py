"""The page of a run: it says what the records say, it stands alone, and no name in the data can break out of it."""

import json
import re
import shutil
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report import formatting
from experiments.report.curve_points import POINTS, before_and_after, caught, costs, precision_recall, reliability
from experiments.report.html import ARRAYS, CURVES, PAGE, SYNTHETIC, render, write_page
from experiments.report.report import Report
from experiments.report.terminal import show
from experiments.run import artifacts
from experiments.run.run import run
from experiments.storage import run_folder
from loop.errors import DataError
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.support import atomic

ATTACK, DOLLARS, QUOTES = "<script>alert(1)</script>", "$x_1$ & $\\frac{1}$", 'it\'s "5 > 3" & </table>'
CATCH = "</svg><img src=x onerror=alert(1)> $y^2$"
SECTIONS = 14
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """The elements of a page, its visible text and what is open where; refuses what does not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []  # the innermost element and its text
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and "style" not in self.open:
            self.words.append((self.open[-1], data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a table whose names do their worst."""
    place = tmp_path_factory.mktemp("page")
    table = frame().rename(columns={"amount": ATTACK, "age": DOLLARS, "abroad": QUOTES})
    table["shop"] = table["shop"].replace({"fuel": "</svg>&amp;'\""})
    table["fraud"] = table["fraud"].replace({"yes": CATCH})
    settings = content(write(place, table), place / "out")
    settings["data"] = {**settings["data"], "positive": CATCH}  # type: ignore[dict-item]
    with open(place / "log.txt", "w") as log:
        return run(load_config(RunConfig, write_config(place, settings)), Console(file=log)).folder


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "run"))


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_stands_alone(html: str, page: Page) -> None:
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "footer"}
    allowed |= {"h1", "h2", "h3", "p", "strong", "code", "pre", "a", "ul", "li", "dl", "dt", "dd", "div", "span"}
    allowed |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details", "summary"}
    allowed |= {"svg", "desc", "g", "path", "defs", "use", "text", "clippath", "rect"}
    assert {tag for tag, _ in page.elements} <= allowed
    attributes = [(name, value or "") for _, each in page.elements for name, value in each.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    assert all(value.startswith("#") for name, value in attributes if name.endswith("href"))
    assert set(re.findall(r"url\((.)", html)) == {"#"}
    assert not re.findall(r"@import|https?:|\bfile:", html.replace("http-equiv", ""))
    assert "default-src 'none'" in html


def test_references_meet_and_no_identifier_is_used_twice(html: str, page: Page) -> None:
    names = [each["id"] for _, each in page.elements if "id" in each]
    assert len(names) == len(set(names))
    wanted = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)
    labels = [label.split() for _, each in page.elements if (label := each.get("aria-labelledby"))]
    assert {name for pair in wanted for name in pair if name} | {each for label in labels for each in label} <= set(
        names
    )


def test_screen_readers_find_their_way(page: Page) -> None:
    assert page.of("html")[0]["lang"] == "en"
    assert [len(page.of(tag)) for tag in ("h1", "main", "header", "footer")] == [1] * 4
    assert len(page.of("table")) == len(page.of("caption")) >= 9
    assert all(each.get("scope") in ("row", "col", "rowgroup", "colgroup") for each in page.of("th"))
    pictures = page.of("svg")
    assert len(pictures) == 5
    assert all(each["role"] == "img" and each["aria-labelledby"] for each in pictures)
    assert len(page.of("section")) == len(page.of("h2")) == SECTIONS


def test_all_but_the_summary_is_folded(page: Page) -> None:
    folded = page.of("details")
    assert len(folded) == len(page.of("summary")) == SECTIONS
    assert not [each for each in folded if "open" in each]


def test_words_of_the_trade_are_not_used_bare(page: Page) -> None:
    assert not re.findall(r"\bnats\b|[^(]\blanes\b(?! JSON)", re.sub(r"lanes: \d", "", page.text))


def test_names_are_shown_as_they_are(page: Page) -> None:
    for name in (ATTACK, DOLLARS, QUOTES, CATCH):
        assert name in page.text
    assert any(CATCH[:20] in text for tag, text in page.words if tag == "text")  # in a picture too


def test_the_decision_comes_first_and_is_the_same_everywhere(folder: Path, page: Page) -> None:
    report, decision = Report.load(folder), Report.load(folder).decision
    top = page.text.split("weakspot report:", 2)[-1][:2000]
    assert top.index(decision.headline) < top.index(report.gain["sentence"]) < min(map(top.index, decision.expected))
    show(report, folder, Console(file=(printed := StringIO()), width=400))
    assert printed.getvalue().split("\n")[1] == decision.headline
    kept = run_folder.read_json(folder / run_folder.REPORT)["decision"]
    assert (kept["headline"], tuple(kept["expected"])) == (decision.headline, decision.expected)
    assert report.verdict["sentence"] in page.text


def test_gain_is_said_of_what_is_proven_only(page: Page) -> None:
    before = re.findall(r"(\w+)\s+gain\b", page.text, flags=re.IGNORECASE)
    assert before
    assert {word.lower() for word in before} == {"proven"}


def test_every_section_says_how_to_read_it(page: Page) -> None:
    sections: list[tuple[str, list[str]]] = []
    for tag, text in page.words:
        if tag == "h2":
            sections.append((text, []))
        elif sections:
            sections[-1][1].append(text)
    assert len(sections) == len(page.of("section")) > 0
    assert [heading for heading, texts in sections if " ".join(texts).count("How to read it:") != 1] == []


def test_the_figures_are_those_of_the_records(folder: Path, page: Page) -> None:
    report = Report.load(folder)
    cells = {text.strip() for tag, text in page.words if tag == "td"}
    for arm in report.arms:
        assert {f"{arm['average_precision']:.3f}", f"{arm['brier']:.4f}"} <= cells
    for generation in report.generations:
        assert f"{generation['counts']['kept']:,}" in cells
        assert formatting.spread(generation["decision"]["difference"]) in cells
    assert run_folder.read_json(folder / run_folder.FINGERPRINT)["training_rows"] in page.text
    assert report.software["weakspot"] in page.text


def test_the_page_is_made_again_from_the_records_alone(copied: Path, html: str) -> None:
    for part in ("model", "checkpoint", "generator", "pictures", "journal"):
        shutil.rmtree(copied / part, ignore_errors=True)
    footer = re.compile(r"Run .*\. This page")
    assert footer.sub("", render(copied)) == footer.sub("", html)


@pytest.mark.parametrize("name", [CURVES, SYNTHETIC, run_folder.CONFIG])
def test_what_an_older_run_lacks_is_left_out(copied: Path, name: str) -> None:
    (copied / name).unlink()
    older = Page(write_page(copied).read_text(encoding="utf-8"))
    assert f"holds no {name}" in re.sub(r"\s+", " ", older.text)
    assert len(older.of("h2")) == SECTIONS


def test_the_report_of_an_older_version_has_a_page(copied: Path) -> None:
    kept = run_folder.read_json(copied / run_folder.REPORT)
    del kept["judge"], kept["software"], kept["operating"], kept["calibration"]
    for name in (CURVES, SYNTHETIC, run_folder.CONFIG, run_folder.FINGERPRINT):
        (copied / name).unlink()
    atomic.write_json(copied / run_folder.REPORT, kept)
    older = re.sub(r"\s+", " ", Page(render(copied)).text)
    assert kept["gain"]["sentence"] in older
    assert "holds no operating points in report.json" in older
    assert "holds no calibration in report.json" in older


def test_operating_points_are_shown_as_promised_and_as_delivered(folder: Path, page: Page) -> None:
    report = Report.load(folder)
    cells = {text.strip() for tag, text in page.words if tag == "td"}
    assert [row["point"] for row in report.operating] == ["recall at precision 0.9", "recall at 1 % false positives"]
    for row in report.operating:
        assert row["point"] in page.text
        assert formatting.spread(row["difference"]) in cells
        for arm in ("before", "after"):
            assert formatting.threshold(row[arm]["threshold"]) in cells
            for when in ("promised", "delivered"):
                assert formatting.number(row[arm][when]["recall"]) in cells
                assert formatting.number(row[arm][when]["alerts_per_1000"], 1) in cells


@pytest.mark.parametrize("method", ["platt", "none"])
def test_the_calibration_step_is_told(copied: Path, method: str) -> None:
    kept = run_folder.read_json(copied / run_folder.REPORT)
    kept["calibration"]["parameters"]["method"] = method
    atomic.write_json(copied / run_folder.REPORT, kept)
    shown = Page(render(copied))
    cells = {text.strip() for tag, text in shown.words if tag == "td"}
    told = [kept["calibration"][part][name] for part in ("judge", "test") for name in ("brier", "log_loss")]
    figures = {formatting.number(value, 4) for each in told for value in each.values()}
    assert ("no calibration was fitted" in shown.text) == (method == "none")
    assert ("Platt scaling" in shown.text) == (method == "platt") == (figures <= cells)


def test_a_run_without_generations_and_kept_rows_has_a_page(copied: Path) -> None:
    kept = run_folder.read_json(copied / run_folder.REPORT)
    atomic.write_json(copied / run_folder.REPORT, {**kept, "generations": []})
    assert "No generation was finished" in Page(render(copied)).text


def test_a_folder_without_a_report_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"report\.json"):
        write_page(tmp_path)


def test_what_the_page_needs_goes_to_the_tracker(folder: Path) -> None:
    assert {PAGE, CURVES, SYNTHETIC, run_folder.CONFIG, run_folder.REPORT} <= set(artifacts.FILES)
    assert all((folder / name).exists() for name in artifacts.FILES if name != ARRAYS)  # a table has none


def test_colours_can_be_told_from_the_ground(html: str) -> None:
    """Text has the contrast of WCAG 2.2 level AA, 4.5; lines have 3."""
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", html, re.S)
    )
    for colours in (light, dark):
        for ground in ("paper", "panel"):
            assert all(contrast(colours[name], colours[ground]) >= 4.5 for name in ("ink", "soft", "link"))
            assert all(
                contrast(colours[n], colours[ground]) >= 3 for n in ("before", "after", "kept", "yes", "no", "harm")
            )


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# The curves behind the pictures.

Answers = tuple[np.ndarray, np.ndarray]


@st.composite
def answers(draw: st.DrawFn) -> Answers:
    """Rows of both kinds with probabilities, some of them equal."""
    n = draw(st.integers(2, 60))
    is_positive = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    is_positive[:2] = True, False
    return is_positive, np.array(draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))) / 20


@given(answers())
def test_the_area_below_the_curve_is_the_average_precision(rows: Answers) -> None:
    is_positive, proba = rows
    curve = precision_recall(is_positive, proba)
    area = float(np.diff(curve["recall"], prepend=0) @ curve["precision"])
    two = np.column_stack([1 - proba, proba])
    assert area == pytest.approx(score("average_precision", JudgeRows(is_positive.astype(int), 1), two))


@given(answers())
def test_every_row_is_in_a_bin_and_every_share_in_its_interval(rows: Answers) -> None:
    is_positive, proba = rows
    bins = reliability(is_positive, proba)
    assert bins["rows"].sum() == len(proba)
    assert bins["rows"] @ bins["observed"] == pytest.approx(is_positive.sum())
    assert bins["rows"] @ bins["stated"] == pytest.approx(proba.sum())
    assert (bins["low"] <= bins["observed"] + 1e-9).all()
    assert (bins["observed"] <= bins["high"] + 1e-9).all()


@given(answers(), st.integers(1, 60))
def test_ties_are_shared_by_lot(rows: Answers, alerts: int) -> None:
    is_positive, proba = rows
    alerts = min(alerts, len(proba))
    rng = np.random.default_rng(0)
    drawn = [is_positive[np.lexsort((rng.random(len(proba)), -proba))[:alerts]].sum() for _ in range(200)]
    expected = caught(is_positive, proba, alerts)
    assert min(drawn) <= expected + 1e-9
    assert expected <= max(drawn) + 1e-9
    assert caught(is_positive, np.zeros(len(proba)), alerts) == pytest.approx(alerts * is_positive.mean())
    assert caught(is_positive, proba, len(proba)) == pytest.approx(is_positive.sum())


def test_truth_costs_nothing_and_ignorance_as_much_as_no_model() -> None:
    is_positive = np.arange(200) < 20
    np.testing.assert_allclose(costs(is_positive, is_positive.astype(float)), 0)
    np.testing.assert_allclose(costs(is_positive, np.full(200, 0.1)), 1)


def test_calibrated_answers_lie_on_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    proba = rng.beta(0.2, 5, 40_000)
    bins = reliability(rng.random(len(proba)) < proba, proba)
    inside = (bins["low"] <= bins["stated"]) & (bins["stated"] <= bins["high"])
    assert len(inside) == 10
    assert inside.mean() >= 0.8


def test_curves_are_small_and_plain() -> None:
    rng = np.random.default_rng(0)
    is_positive = rng.random(20_000) < 0.1
    proba = np.clip(0.1 + 0.3 * is_positive + rng.normal(0, 0.2, 20_000), 0, 1)
    curves = before_and_after(JudgeRows(is_positive.astype(np.int64), 1), proba, proba, "recall_at_precision_90", rng)
    assert len(curves["after"]["recall"]) <= POINTS
    assert curves["after"]["recall"][-1] == 1
    assert all(point["difference"]["estimate"] == 0 for point in curves["recalls"])
    assert len(json.dumps(curves, allow_nan=False)) < 60_000


@pytest.mark.parametrize(
    ("value", "written"), [(None, "–"), ("NaN", "–"), (-0.0004, "0.000"), (-1234.5, "−1,234.500"), (0.25, "+0.250")]
)
def test_differences_are_written_with_their_sign(value: object, written: str) -> None:
    assert formatting.signed(value) == written


@pytest.mark.parametrize("classes", [2, 3])
def test_of_more_than_two_classes_means_and_single_classes_are_told_apart(copied: Path, classes: int) -> None:
    kept = run_folder.read_json(copied / run_folder.REPORT)
    assert kept["data"].pop("classes") == 2
    atomic.write_json(copied / run_folder.REPORT, {**kept, "data": {**kept["data"], "classes": classes}})
    page = Page(render(copied))
    headers = {text for tag, text in page.words if tag == "th"}
    many = classes == 3
    for name in ("average precision", formatting.words("recall_at_fpr_01")):
        assert (f"{name} (mean over classes)" in headers) == many
        assert many or name in headers
    captions = [text for tag, text in page.words if tag == "span"]
    of_one = f"(class {CATCH} against the rest)"
    assert (f"Recall at matched points, on the test rows {of_one}" in captions) == many
    assert (f"Operating points: promised on judge rows, delivered on test rows {of_one}" in captions) == many
    assert ("Decisions, average precision (mean over classes) on the judge rows with intervals" in captions) == many
    assert "Brier score (mean over classes)" not in headers
    assert ("mean over classes" in page.text) == many

    console = Console(file=StringIO(), width=200)
    show(Report.load(copied), copied, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for title in ("Generations, on the judge rows", "Arms, on the sealed test rows"):
        assert (f"{title} (mean over classes)" in text) == many
    assert ("Average precision is here the mean over all 3 classes." in text) == many
    assert (f"thresholds chosen on judge rows {of_one}" in " ".join(text.split())) == many


def test_a_run_keeps_its_number_of_classes(folder: Path) -> None:
    assert Report.load(folder).n_classes == 2
