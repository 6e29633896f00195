"""What a stress leaves behind: figures, page, edge cases and a pytest file, all in one folder, whole or not at all."""

import ast
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.report.html import environment
from experiments.stress import probes
from experiments.stress.cases import QUANTILES, Case
from experiments.stress.sensitivity import FACTORS
from experiments.stress.stress import Findings, limits_of
from loop.errors import ConfigError
from loop.support import atomic
from loop.support.format import stamped
from loop.support.plain_json import Record

RECORD, PAGE, CASES, REAL, TEST = (
    "stress.json",
    "stress.html",
    "edge_cases.parquet",
    "real_rows.parquet",
    "test_stress.py",
)
FILES = (RECORD, PAGE, CASES, REAL, TEST)
LEFT_BY_PYTEST = ("__pycache__", ".pytest_cache")
NOTED = ("ws_scenario", "ws_rows", "ws_score", "ws_caught")  # of each row of a pattern
LEAST = 0.8  # share to be handled rightly in the pytest file unless another one is asked for


def check_replaceable(folder: Path) -> None:
    """Raise ConfigError unless a folder is new, empty or holds nothing but an earlier stress."""
    if folder.is_dir():
        foreign = sorted(each.name for each in folder.iterdir() if each.name not in (*FILES, *LEFT_BY_PYTEST))
        if foreign:
            raise ConfigError(
                f"--out must be new, empty or of an earlier stress, and {folder} holds {foreign[0]!r}: choose another."
            )
    elif folder.exists():
        raise ConfigError(f"--out must be a folder, and {folder} is a file: choose another name.")


def write(findings: Findings, folder: Path) -> None:
    """Write all files into a folder, which replaces that of an earlier stress."""
    check_replaceable(folder)
    told = record_of(findings)
    with atomic.replaced(folder) as partial:
        atomic.write_json(partial / RECORD, stamped(told))
        atomic.write_text(partial / PAGE, _page(told))
        _edge_cases(findings).to_parquet(partial / CASES, index=False)
        findings.kept.assign(**_limited(findings, findings.kept)).to_parquet(partial / REAL, index=False)
        atomic.write_text(partial / TEST, _test(findings))


def verdict_of(findings: Findings) -> str:
    """Say in one sentence whether the model catches what was asked for."""
    point, judged = findings.subject.points[0].point, findings.judged
    if findings.asked.fail_under is not None:
        least = f"{findings.asked.fail_under:.0%}"
        holes = ", ".join(case.name for case in findings.holes)
        return f"Below {least}: {holes} ({point})." if holes else f"Every pattern is at {least} or above ({point})."
    if not judged:
        return "No pattern could be judged."
    worst = min(judged, key=lambda case: case.recalls[0].estimate)
    return f"Worst pattern: {worst.name}, {worst.recalls[0].estimate:.0%} of its rows handled rightly ({point})."


def record_of(findings: Findings) -> Record:
    """Return the figures of a stress as values that JSON can hold."""
    points = zip(findings.subject.points, findings.alarms, strict=True)
    return {
        "model": str(findings.subject.folder),
        "verdict": verdict_of(findings),
        "passed": None if findings.asked.fail_under is None else not findings.holes,
        "holes": [case.name for case in findings.holes],
        "said": list(findings.said),
        "positive": findings.subject.positive,
        "shares": list(QUANTILES),
        "cases": [_case(case) for case in findings.cases],
        "factors": list(FACTORS),
        "moved": [asdict(each) for each in findings.moved],
        "points": [{**asdict(point), **asdict(alarms)} for point, alarms in points],
        "checks": [
            {
                "text": each.text,
                "rows": each.found.rows,
                "broken": each.found.broken,
                "share": each.share,
                "example": each.example,
            }
            for each in findings.tried
        ],
    }


def _case(case: Case) -> Record:
    return {
        "name": case.name,
        "kind": case.kind,
        "label": case.label,
        "rows": len(case.frame),
        "recalls": [asdict(recall) for recall in case.recalls],
        "quantiles": list(case.quantiles),
        "fails": list(case.fails),
    }


def _page(told: Record) -> str:
    return environment().get_template("stress.html.j2").render(told)


def _edge_cases(findings: Findings) -> pd.DataFrame:
    """Return the rows of the patterns, in the user's columns, with what they are and what the model makes of them."""
    threshold = findings.subject.points[0].threshold
    made = [
        case.frame.assign(
            ws_scenario=case.name, ws_rows=case.kind, ws_score=case.score, ws_caught=case.score >= threshold
        )
        for case in findings.cases
    ]
    frame = pd.concat(made, ignore_index=True) if made else findings.kept.iloc[:0].assign(ws_scenario="", ws_rows="")
    return frame.assign(**_limited(findings, frame))


def _limited(findings: Findings, frame: pd.DataFrame) -> dict[str, Any]:
    """Return a column for each limit: which rows it is about."""
    return {f"ws_limit_{number}": mask for number, mask in enumerate(limits_of(findings, frame), start=1)}


def _test(findings: Findings) -> str:
    """Write the pytest file; its checks are the code of `experiments.stress.probes`."""
    subject, asked, checks = findings.subject, findings.asked, findings.checks
    honest = findings.kept[subject.real.schema.target].astype(str) != subject.positive
    alarmed = subject.scores(findings.kept[honest]) >= subject.points[0].threshold
    values = {
        "positive": subject.positive,
        "least": LEAST if asked.fail_under is None else asked.fail_under,
        "alarms": int(alarmed.sum()),
        "checked": asked.rows,
        "scenarios": {case.name: case.alarm for case in findings.judged},
        "monotone": dict(checks.monotone),
        "invariant": list(checks.invariant),
        "within": checks.within,
        "limits": [(bound.where.text, bound.at_least, bound.at_most) for bound in checks.limits],
        "target": subject.real.schema.target,
    }
    template = environment().overlay(autoescape=False, finalize=None).get_template("test_stress.py.j2")
    return template.render({name: repr(value) for name, value in values.items()} | {"probes": _probes()}) + "\n"


def _probes() -> str:
    """Return the code of the checks, with pytest among its imports."""
    text = Path(probes.__file__).read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0]
    code = "\n".join(text.splitlines()[docstring.end_lineno :]).strip()
    return code.replace("import pandas as pd\n", "import pandas as pd\nimport pytest\n", 1)
