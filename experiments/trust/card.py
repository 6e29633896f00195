"""A data card: what synthetic rows are, from what and how they were made, what they are not for, and whose licence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from experiments.trust.provenance.record import Provenance
from loop.support.visible import in_markdown

ENDING = ".card.md"  # of the card beside a file of rows
FILE = "data_card.md"  # in the folder of a run
NOT_FOR = (
    "They are no real rows, and stand for no real person, card or event.",
    "Do not judge a model on them, and do not take shares, means or prices from them: report figures on real rows.",
    "They are not anonymous by being synthetic: see what the audit found.",
)
OF_A_LOOP = "They were made where a model was weak, on purpose unlike the table: they are no fair sample of it."
NO_LICENCE = "That of the inputs was not told: ask whoever gave you the table before you hand these rows on."


@dataclass(frozen=True)
class Card:
    """A data card, section by section."""

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]  # heading and sentences

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """Return the card of a report."""
        return cls(record["title"], tuple((heading, tuple(told)) for heading, told in record["sections"]))

    @property
    def markdown(self) -> str:
        """The card as Markdown."""
        parts = [f"# {in_markdown(self.title)}"]
        for heading, sentences in self.sections:
            parts += [f"## {heading}", "\n".join(f"- {in_markdown(sentence)}" for sentence in sentences)]
        return "\n\n".join(parts) + "\n"


def card_of(
    title: str,
    rows: pd.DataFrame,
    target: str,
    made_from: Provenance | None,
    how: Sequence[str],
    audit: str,
    not_for: Sequence[str] = NOT_FOR,
) -> Card:
    """Return the card of a table of synthetic rows.

    Parameters
    ----------
    title : str
    rows : DataFrame
        The rows, with their trail in columns that begin with ``ws_`` if they have one.
    target : str
        Column of the classes.
    made_from : Provenance, optional
        None = an earlier version wrote nothing down.
    how, not_for : sequence of str
        Sentences.
    audit : str
        What an audit found, or how to make one.
    """
    columns = [str(name) for name in rows if not str(name).startswith("ws_")]
    classes = rows[target].value_counts() if target in rows else pd.Series(dtype=int)
    shares = ", ".join(f"{label}: {count:,}" for label, count in classes.items())
    what = [f"{len(rows):,} synthetic rows, {len(columns)} columns: {', '.join(columns)}."]
    what += [f"By {target}: {shares}."] if shares else []
    inputs = () if made_from is None else tuple(f"{each.words}." for each in made_from.inputs)
    run = () if made_from is None else (f"Run {made_from.run[:16]}, weakspot {made_from.weakspot}.",)
    licences = () if made_from is None else made_from.licences
    return Card(
        title,
        (
            ("What they are", tuple(what)),
            ("What they were made from", inputs or ("Not written down by the version that made them.",)),
            ("How", (*how, *run)),
            ("What they are not for", tuple(not_for)),
            ("Do they tell whose rows they were made from?", (audit,)),
            (
                "Licence",
                (f"That of the inputs: {'; '.join(licences)}." if licences else f"Of the inputs {NO_LICENCE}",),
            ),
        ),
    )


def how_of_loop(supplies: Sequence[Mapping[str, object]], frame: pd.DataFrame) -> list[str]:
    """Return how a loop made its rows: supplies, generators and labellers, from the trail of the rows."""
    told = [
        f"Supply {each['supply']}: {each['kept']:,} rows kept of {each['rows']:,} that it made." for each in supplies
    ]
    for name, words in (("ws_generator", "Made by"), ("ws_labeller", "Labels from"), ("ws_region", "For the regions")):
        if name in frame and len(values := frame[name].dropna().astype(str).unique()):
            more = f" and {len(values) - 5} more" if len(values) > 5 else ""
            told.append(f"{words}: {'; '.join(values[:5])}{more}.")
    return [*told, "weakspot trace RUN ROW tells all of one row."]
