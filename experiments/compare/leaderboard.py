"""Tables of arms: the one that grows while a comparison runs, and the one at its end."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from experiments.arms import statistics
from experiments.arms.names import REAL_ONLY
from experiments.arms.scoring import SCORE
from experiments.arms.statistics import Tally
from experiments.compare.cells import NO_METRICS
from experiments.report.console import say, shown
from loop.seeds import stream

COSTS = ("seconds_fit", "seconds_per_million", "megabytes")


def long_form(results: pd.DataFrame) -> pd.DataFrame:
    """Return scores in the long form of `experiments.arms.statistics`, from one row for each arm, source and seed."""
    return _scores(on_tables(results))


def on_tables(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each arm, table and seed: the mean over the sources that read the same table.

    Counted as several sources, the same rows would be evidence several times. Arms that lack one of them are left out.
    """
    numbers = [name for name in results.columns if name not in NO_METRICS]
    grouped = results.groupby(["table", "seed", "arm"], sort=False)
    means, sources = grouped[numbers].mean(), grouped[SCORE].count()
    entries = results.groupby("table")["source"].nunique()
    whole = sources.to_numpy() == entries[sources.index.get_level_values("table")].to_numpy()
    complete: pd.DataFrame = means[whole].reset_index()
    return complete


def summarise(results: pd.DataFrame, test_per_train: float | None = 3 / 7) -> pd.DataFrame:
    """Sum up by arm: mean scores, the mean paired difference from real rows alone, wins and losses, median costs.

    An arm that is not on every split has no mean scores; its difference is that on the splits where it is. The bounds
    of the difference are those of `experiments.arms.statistics.mean_interval`, which explains ``test_per_train``. Among
    intervals for many arms, some exclude zero by chance: take claims from `experiments.compare.claims`.
    """
    rows = on_tables(results)
    scores = _scores(rows)
    ranks = statistics.average_ranks(statistics.by_source(scores))
    metrics = [name for name in rows.columns if name not in (*NO_METRICS, SCORE, *COSTS)]
    splits = len(results[["table", "seed"]].drop_duplicates())
    summaries = []
    for arm in dict.fromkeys(results["arm"]):
        own = rows[rows["arm"] == arm]
        summary: dict[str, Any] = {"arm": arm, "splits": len(own), "average_rank": ranks.get(arm, np.nan)}
        met = {REAL_ONLY, arm} <= set(rows["arm"])
        difference = statistics.differences(scores, str(arm), REAL_ONLY) if met else pd.Series(dtype=np.float64)
        if len(difference):
            rng = stream(0, "interval", str(arm))
            interval = statistics.mean_interval(difference, rng, test_per_train=test_per_train)
            pairs, sources = Tally.of(difference), Tally.of(statistics.over_sources(difference))
            summary |= {"difference": interval.estimate, "difference_low": interval.low}
            summary |= {"difference_high": interval.high, "wins": pairs.wins, "losses": pairs.losses}
            summary |= {"source_wins": sources.wins, "source_losses": sources.losses}
        # A mean over other splits is not comparable with those of the other arms.
        means = {name: own[name].mean() if len(own) == splits else np.nan for name in (SCORE, *metrics)}
        summaries.append(summary | means | {name: own[name].median() for name in COSTS})
    return pd.DataFrame(summaries).set_index("arm")


def closing_table(summary: pd.DataFrame, results: pd.DataFrame) -> Table:
    """Show a summary as a table for the terminal."""
    sources, seeds = results["table"].nunique(), results["seed"].nunique()
    title = f"Means over sources ({sources}) and seeds ({seeds}); differences are paired with {REAL_ONLY!r}"
    recall = next(name for name in summary.columns if name.startswith("recall_at_precision"))
    metrics = {"recall_at_fpr_01": "recall at 1 % FPR", recall: recall.replace("_", " ") + " %", "brier": "Brier"}
    table = _table(
        title, "AP", r"difference \[95 %]", "rank", "wins : losses", *metrics.values(), "s to fit", "s/million"
    )
    for arm, row in summary.iterrows():
        low, high = row["difference_low"], row["difference_high"]
        bounds = f" [{low:+.3f}, {high:+.3f}]" if np.isfinite(low) and low < high else ""
        table.add_row(
            shown(str(arm)),
            _or_none(row[SCORE], ".4f"),
            _or_none(row["difference"], "+.4f") + bounds,
            _or_none(row["average_rank"], ".2f"),
            f"{row['wins']:.0f} : {row['losses']:.0f}" if np.isfinite(row["difference"]) else "-",
            *(_or_none(row[name], ".4f") for name in metrics),
            *(f"{row[name]:.2f}" for name in COSTS),
        )
    return table


class LiveBoard:
    """A table of mean scores so far above a bar of cells, on a terminal; in a file, one line for each cell.

    Parameters
    ----------
    console : Console
    cells : int
        Number of cells in all.
    splits : int
        Number of pairs of source and seed.
    """

    def __init__(self, console: Console, cells: int, splits: int) -> None:
        columns = (TextColumn("cells"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._console, self._splits = console, splits
        self._bar = Progress(*columns, console=console)
        self._task = self._bar.add_task("", total=cells)
        self._scores: dict[str, dict[tuple[str, int], float]] = {}
        self._live = Live(console=console, get_renderable=self._show, transient=True, refresh_per_second=2)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def add(self, rows: Iterable[dict[str, Any]], note: str) -> None:
        """Add the rows of a finished cell; the note names it."""
        scores = dict(self._scores)  # the table is drawn by another thread
        for row in rows:
            scores[row["arm"]] = scores.get(row["arm"], {}) | {(row["source"], row["seed"]): row[SCORE]}
        self._scores = scores
        self._bar.advance(self._task)
        say(self._console, f"done: {note}")

    def standings(self) -> list[tuple[str, float, float, int]]:
        """Return arm, mean score, mean difference from real rows alone, and splits done, best difference first."""
        scores = self._scores
        base = scores.get(REAL_ONLY, {})
        found = []
        for arm, own in scores.items():
            paired = [score - base[split] for split, score in own.items() if split in base]
            found.append((arm, _mean(list(own.values())), _mean(paired), len(own)))
        return sorted(found, key=lambda standing: -np.nan_to_num(standing[2], nan=-np.inf))

    def _show(self) -> Group:
        table = _table("So far", "mean AP", f"difference from {REAL_ONLY!r}", "splits done")
        for arm, score, difference, done in self.standings():
            table.add_row(shown(arm), f"{score:.4f}", f"{difference:+.4f}", f"{done} of {self._splits}")
        return Group(table, self._bar)


def _scores(rows: pd.DataFrame) -> pd.DataFrame:
    scores = rows[["table", "seed", "arm", SCORE]]
    return scores.rename(columns={"table": "source", SCORE: "score"})


def _or_none(value: float, how: str) -> str:
    return f"{value:{how}}" if np.isfinite(value) else "-"


def _mean(values: list[float]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("arm", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap="[" in column)
    return table
