"""The quick audit that each run has: do its new rows tell whose rows they were made from?"""

import numpy as np

from experiments.trust.audit.audit import audit
from experiments.trust.audit.evidence import Evidence, with_controls
from experiments.trust.audit.verdict import state_of, verdict_of
from loop.seeds import stream
from loop.support.plain_json import Record, plain
from loop.types import Table

MOST = 4_000  # rows of each table that are looked at
LEAST = 200  # rows of each, below which hardly anything could be told
OF_A_RUN = (
    "The real rows are the training rows of the run, and the held-out ones its test rows. New rows are made where the "
    "model is weak: they are unlike other rows on purpose, and no model that is delivered is trained on them alone."
)


def evidence_of(train: Table, test: Table, new: Table, rng: np.random.Generator) -> Evidence:
    """Return the evidence of a run: members are its training rows, controls and reference its test rows."""
    found = with_controls(train, new, test, rng)
    return Evidence(found.known, found.held_out, found.synthetic, found.target, (OF_A_RUN,))


def quick_audit(train: Table, test: Table, new: Table, seed: int) -> Record:
    """Try the attacks on at most `MOST` rows of each table, without training models on new rows.

    Returns
    -------
    dict
        ``state``, ``verdict``, ``said``, ``rows`` by table and ``headline`` (see `experiments.trust.audit.output`);
        empty if a table has fewer than `LEAST` rows.
    """
    from experiments.trust.audit.output import headline

    if min(len(train), len(test), len(new)) < LEAST:
        return {}
    evidence = evidence_of(train, test, new, stream(seed, "evidence"))
    found = audit(evidence, stream(seed, "audit"), most=MOST, trained=False)
    told: Record = plain(
        {
            "state": state_of(found),
            "verdict": verdict_of(found),
            "said": list(found.said),
            "rows": dict(found.rows),
            "headline": headline(found),
        }
    )
    return told
