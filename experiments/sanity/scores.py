"""Scores that are too good to be true, or barely above chance."""

from collections.abc import Iterator

from experiments.sanity.finding import Finding

TOO_GOOD, TOO_GOOD_RISE = 0.99, 0.9  # average precision, and share of the way from chance to perfect
TIMES_CHANCE = 2  # average precision of a model that knows something, in shares of the class
CHANCE_RISE = 0.1  # the same where the class is common: share of the way from chance to perfect


def chance(average_precision: float, share: float, where: str) -> Iterator[Finding]:
    """Tell if a score is below twice the share of the class, which is the average precision of a random order.

    Where the class is common, twice its share is a good score or above one; there, a tenth of the way from chance to
    perfect is asked for.

    Parameters
    ----------
    average_precision : float
        For the class to catch against the rest.
    share : float
        Of the class to catch among the rows.
    where : str
        On which rows, by which model.
    """
    if average_precision < min(TIMES_CHANCE * share, share + CHANCE_RISE * (1 - share)):
        yield Finding(
            "chance",
            f"average precision {average_precision:.3f} is only {average_precision / share:.1f} times the share of the "
            f"class to catch ({share:.3f}), which is what guessing has, {where}: check the target, or add columns that "
            "say something about it.",
        )


def too_good(average_precision: float, share: float, where: str, best: str = "") -> Iterator[Finding]:
    """Tell if a score is one that honest tables hardly ever give; ``best`` names the columns to look at."""
    rise = (average_precision - share) / (1 - share)
    if average_precision >= TOO_GOOD and rise >= TOO_GOOD_RISE:
        look = f", {best} first," if best else ""
        yield Finding(
            "too good",
            f"average precision {average_precision:.3f} {where} is too good to be true on most tables: look{look} for "
            "a column that is known only afterwards, or copies of rows with small changes, and leave them out.",
        )
