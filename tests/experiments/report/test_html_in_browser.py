"""The page of a run in a browser: nothing runs, nothing is fetched, and it fits a narrow window."""

import html as markup
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from small_runs import content, frame, write, write_config

from experiments.config.reader import load_config
from experiments.config.run_config import RunConfig
from experiments.report.html import PAGE
from experiments.run.run import run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ATTACK, QUOTES = "<script>alert(1)</script>", 'it\'s "5 > 3" & </table>'
CATCH = '"><img src=x onerror=alert(1)>'
NARROW = 390  # px, a phone held upright
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
    *("--enable-logging=stderr", "--v=0", "--virtual-time-budget=500", "--dump-dom"),
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


class Shown(HTMLParser):
    """Elements with their attributes, and the text, of a document as a browser writes it."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def browse(document: str, place: Path) -> tuple[str, list[str]]:
    """Return a document as a browser without a network sees it, and what it says on its console."""
    path = place / PAGE
    path.write_text(document, encoding="utf-8")
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={place / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def widths(page: str, place: Path) -> tuple[int, int]:
    """Return how wide a page is and how much of it can be seen, in px, in a frame of a narrow window's width.

    Browsers without a screen refuse windows below some width, but not frames.
    """
    frame = f'<iframe style="width:{NARROW}px;height:900px;border:0" srcdoc="{markup.escape(page)}"></iframe>'
    measure = (
        "onload = () => { const shown = document.querySelector('iframe').contentDocument.documentElement;"
        "document.body.dataset.widths = [shown.scrollWidth, shown.clientWidth]; }"
    )
    dom, _ = browse(f"<!doctype html><body>{frame}<script>{measure}</script>", place)
    (found,) = re.findall(r'data-widths="(\d+),(\d+)"', dom)
    return int(found[0]), int(found[1])


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Page of a run on a table whose names do their worst, one of them in the name of an operating point."""
    place = tmp_path_factory.mktemp("chromium")
    table = frame().rename(columns={"amount": ATTACK, "abroad": QUOTES})
    table["shop"] = table["shop"].replace({"fuel": 'a "fuel" & </td>' + "long" * 8})
    table["fraud"] = table["fraud"].replace({"yes": CATCH})
    settings = content(write(place, table), place / "out", generations=1)
    settings["data"] = {**settings["data"], "positive": CATCH}  # type: ignore[dict-item]
    settings |= {"arms": {"run": False}, "metrics": {"points": [{"false_positive": 1, "miss_cost": ATTACK}]}}
    with open(place / "log.txt", "w") as log:
        folder = run(load_config(RunConfig, write_config(place, settings)), Console(file=log)).folder
    return (folder / PAGE).read_text(encoding="utf-8")


def test_a_browser_shows_names_as_text_and_has_no_complaint(html: str, tmp_path: Path) -> None:
    dom, complaints = browse(html, tmp_path)
    shown = Shown(dom)
    assert complaints == []
    assert not {tag for tag, _ in shown.elements} & {"script", "img", "iframe", "object", "embed", "link", "base"}
    assert f"cost per row (false alarm 1, miss {ATTACK})" in shown.text
    assert all(name in shown.text for name in (QUOTES, CATCH, "How to repeat it"))


def test_a_print_is_one_page_with_the_decision_and_the_models(html: str, tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(html, encoding="utf-8")
    out = f"--print-to-pdf={tmp_path / 'page.pdf'}"
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [str(CHROMIUM), *OPTIONS[:-1], profile, out, (tmp_path / PAGE).as_uri()]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes())) == 1


def test_nothing_is_there_to_fetch(html: str, tmp_path: Path) -> None:
    attributes = [pair for _, each in Shown(browse(html, tmp_path)[0]).elements for pair in each.items()]
    assert not [name for name, _ in attributes if name in ("src", "srcset", "action", "data") or name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in attributes if name.endswith("href"))


def test_a_load_that_is_tried_is_a_complaint(html: str, tmp_path: Path) -> None:
    """The page forbids every load, so the console tells of one: without that the tests above would prove nothing."""
    assert browse(html.replace("<main>", "<main><img src='http://localhost:9/x.png'>"), tmp_path)[1]


def test_the_page_is_no_wider_than_a_narrow_window(html: str, tmp_path: Path) -> None:
    for page in (html, html.replace("<details>", "<details open>")):
        wide, seen = widths(page, tmp_path)
        assert wide <= seen <= NARROW
    wide, seen = widths(html.replace("<main>", "<main><p style='width:900px;max-width:none'>wide</p>"), tmp_path)
    assert wide > seen  # the measure bites
