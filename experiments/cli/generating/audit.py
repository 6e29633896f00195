"""A quick audit of the generator that made rows: fitted again on half of a few thousand real rows, and attacked."""

import copy
from pathlib import Path

from experiments.cli.generating.fit import Fitted
from experiments.report.progress import steps_shown
from experiments.trust.audit.audit import audit
from experiments.trust.audit.evidence import refitted, thinned
from experiments.trust.audit.inputs import draw
from experiments.trust.audit.of_rows import LEAST, MOST
from experiments.trust.audit.verdict import verdict_of
from learners.encoders.words import Words
from loop.seeds import stream
from loop.support.commands import command
from loop.types import Table

LONGEST = 20.0  # seconds of the fit beyond which none is repeated


def in_a_sentence(fitted: Fitted, name: str, data: str, seed: int) -> str | None:
    """Return what an attacker can tell from rows of this generator, or why that was not tried; None = protected."""
    if fitted.table is None:
        return None
    arrays = () if Path(data).is_dir() else fitted.schema.arrays
    told = [word for each in arrays if isinstance(each.encoder, Words) for word in ("--text", each.column)]
    more = command("audit", data, "--target", fitted.schema.target, *told, "--generator", name)
    if len(fitted.table) < LEAST or fitted.seconds > LONGEST:
        why = f"of fewer than {LEAST} rows" if len(fitted.table) < LEAST else "that took long to fit"
        return f"Not audited, as the generator is one {why}: {more}"
    few = thinned(fitted.table, MOST, stream(seed, "audit", "rows"))

    def make(members: Table) -> Table:
        again = copy.deepcopy(fitted.generator).fit(members, stream(seed, "audit", "fit"))
        return draw(again, len(members), stream(seed, "audit", "draw"))

    with steps_shown("audit"):
        evidence = refitted(few, make, stream(seed, "audit", "evidence"))
        found = audit(evidence, stream(seed, "audit"), trained=False)
    return f"Audit of {name} on {len(few):,} real rows: {verdict_of(found)} More: {more}"
