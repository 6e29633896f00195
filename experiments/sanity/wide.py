"""So many columns that a run takes hours."""

from collections.abc import Iterator

from experiments.sanity.finding import Finding
from loop.types import Table

MANY = 1_000  # columns; a fit of CatBoost on 2,000 takes half a minute, and a run has dozens of fits


def many_columns(train: Table) -> Iterator[Finding]:
    """Tell, before the work, that a table is so wide that all arms together may take hours."""
    columns = len(train.schema.columns)
    if columns > MANY:
        yield Finding(
            "many columns",
            f"{columns:,} columns make fits slow, so a run with all its arms may take hours: see how many with "
            "--dry-run, set arms.plain and arms.tuning to false, or leave columns out with data.drop.",
        )
