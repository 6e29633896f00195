"""What an audit leaves behind: figures and a page in one folder, whole or not at all."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from experiments.report import figures as pictures
from experiments.report.html import environment
from experiments.trust.audit import verdict
from experiments.trust.audit.audit import Findings
from experiments.trust.audit.figure import curves_figure
from experiments.trust.audit.privacy.judging import RATES
from loop.errors import ConfigError
from loop.support import atomic
from loop.support.format import stamped
from loop.support.plain_json import Record, plain

RECORD, PAGE = "audit.json", "audit.html"
FILES = (RECORD, PAGE)
COLUMNS = 8  # columns that differ most, on the page


def check_replaceable(folder: Path) -> None:
    """Raise ConfigError unless a folder is new, empty or holds nothing but an earlier audit."""
    if folder.is_dir():
        foreign = sorted(each.name for each in folder.iterdir() if each.name not in FILES)
        if foreign:
            raise ConfigError(
                f"--out must be new, empty or of an earlier audit, and {folder} holds {foreign[0]!r}: choose another."
            )
    elif folder.exists():
        raise ConfigError(f"--out must be a folder, and {folder} is a file: choose another name.")


def write(told: Mapping[str, Any], folder: Path) -> None:
    """Write figures and page into a folder, which replaces that of an earlier audit."""
    check_replaceable(folder)
    with atomic.replaced(folder) as partial:
        atomic.write_json(partial / RECORD, stamped(told))
        atomic.write_text(partial / PAGE, page(told))


def page(told: Mapping[str, Any]) -> str:
    """Return the page of an audit, from its record."""
    attacked = told["attacked"]
    drawn = (
        None
        if attacked is None
        else pictures.inline_svg(
            curves_figure(attacked["curves"]),
            "attacks",
            "Members found against false positives, by attack",
            "Both scales are logarithmic; the dotted line is chance. The table below holds the figures.",
        )
    )
    template = environment().get_template("audit.html.j2")
    return template.render({**told, "picture": None if drawn is None else Markup(drawn), "shown_columns": COLUMNS})


def headline(findings: Findings) -> Record:
    """Return the figures in one line, None for what could not be measured; of all rows, by the attacks chosen."""
    leak = None if findings.attacked is None else findings.attacked.leaks[0]
    rates = {rate.at: rate.found for rate in ([] if leak is None else leak.rates)}
    found = [rates.get(at) for at in RATES]
    useful, told = findings.utility, leak is not None and leak.auc is not None
    figures = {
        "worst_auc": leak.auc.estimate if leak is not None and leak.auc is not None else None,
        "tpr_at_1": None if found[0] is None else found[0].estimate,
        "tpr_at_01": None if found[1] is None else found[1].estimate,
        "epsilon_lower": leak.epsilon if leak is not None and told else None,
        "utility_auc": None if useful is None else useful.auc,
        "detection_auc": findings.likeness.detection_auc,
    }
    return {name: None if value is None else round(float(value), 4) for name, value in figures.items()}


def record_of(name: str, findings: Findings) -> Record:
    """Return an audit as values that JSON can hold."""
    attacked, useful = findings.attacked, findings.utility
    record: Record = plain(
        {
            "name": name,
            "state": verdict.state_of(findings),
            "verdict": verdict.verdict_of(findings),
            "said": list(findings.said),
            "rows": dict(findings.rows),
            "headline": headline(findings),
            "likeness": {**asdict(findings.likeness), "sentence": findings.likeness.sentence},
            "utility": None if useful is None else {**asdict(useful), "sentence": useful.sentence},
            "copies": {**asdict(findings.copies), "too_many": findings.copies.too_many},
            "attacked": None
            if attacked is None
            else {
                "leaks": [
                    {**asdict(leak), "told": leak.told, "sentences": verdict.sentences_of(leak)}
                    for leak in attacked.leaks
                ],
                "curves": [asdict(curve) for curve in attacked.curves],
            },
            "differ": findings.differ,
        }
    )
    return record
