"""The splits of the published protocols: the rare-class suite and the weeks of card fraud."""

from experiments.data.card_fraud import encoded, fraud_weeks
from experiments.data.sources import data_folder, load
from experiments.data.split import Split


def suite_split(table: str, seed: int) -> Split:
    """Split a table of the rare-class suite 60/40 at random and stratified, with duplicates on one side."""
    return Split.of(load(f"suite:{table}", "target"), seed)


def fraud_split(start: str) -> Split:
    """Return the weeks of card fraud for a first training day."""
    return encoded(fraud_weeks(start, data_folder()))
