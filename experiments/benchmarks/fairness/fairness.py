"""Fairness, measured: what the loop does for a planted group, whether groups that do not differ are left alone, and
whether rows for groups that are short of them help more than weights.

Run as ``python -m experiments.benchmarks.fairness``; the last line is JSON. Planted tables have 6,000 rows, a third of
them test; the loop is aimed at groups (``fairness.columns``). On adult, all rows of the published training file train,
groups are sex and race together, and half as many rows as there are real ones are made for the smallest groups.
"""

import copy
import json
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as RichTable

from experiments.benchmarks.fairness.arms import ARMS, REAL
from experiments.benchmarks.fairness.planted import FLIPPED, GROUP, NAMES, planted
from experiments.benchmarks.fidelity.fidelity import split_of
from experiments.benchmarks.options import console, listed
from experiments.config.run_config import FairnessConfig
from experiments.config.strategies import compose
from experiments.trust.fairness.figures import Scores, alerts_of
from experiments.trust.fairness.groups import cells_of
from experiments.trust.fairness.guards import with_groups
from experiments.trust.fairness.worst import WORSE, worst_group
from loop.cycle.driver import run_loop
from loop.cycle.lanes import deal
from loop.evaluation.judge_rows import JudgeRows
from loop.evaluation.metrics import score
from loop.seeds import stream
from loop.types import Table

ROWS, TEST = 6000, 1 / 3
PEOPLE = ("sex", "race")
LEAST = 10


def precision(learner_scores: np.ndarray, table: Table, inside: np.ndarray) -> float:
    """Return average precision on the rows of a group."""
    scores = learner_scores[inside]
    return score("average_precision", JudgeRows.of(table.take(inside)), np.column_stack([1 - scores, scores]))


def loop_on_planted(seed: int) -> dict[str, float]:
    """Run the loop aimed at groups on a table with a flipped group; return its gain there and on all others."""
    rows = planted(ROWS, stream(seed, "planted"), flipped=True)
    cut = int(ROWS * (1 - TEST))
    train, test = rows.take(np.arange(cut)), rows.take(np.arange(cut, ROWS))
    parts = with_groups(compose(), FairnessConfig(columns=(GROUP,)), train)
    run = run_loop(parts, train, deal(train, stream(seed, "folds")), stream(seed, "loop"))
    plain = copy.deepcopy(parts.learner).fit(train, stream(seed, "plain"))
    before, after = (each.predict_proba(test.rows)[:, 1] for each in (plain, run.outcome.learner))
    own = test.X[:, -1] == NAMES.index(FLIPPED)
    return {
        "before": precision(before, test, own),
        "gain": precision(after, test, own) - precision(before, test, own),
        "others": precision(after, test, ~own) - precision(before, test, ~own),
    }


def found_among_equals(seed: int) -> bool:
    """Tell whether a worst group is found where no group differs."""
    rows = planted(ROWS, stream(seed, "equal"), flipped=False)
    half = ROWS // 2
    train, test = rows.take(np.arange(half)), rows.take(np.arange(half, ROWS))
    learner = ARMS[REAL](train, (GROUP,), stream(seed, "fit"))
    said = learner.predict_proba(test.rows)[:, 1]
    tested = JudgeRows.of(test)
    alerts = alerts_of(tested, tested, Scores(said, said, said))
    return bool(worst_group(cells_of(test, (GROUP,)), tested, alerts, LEAST, stream(seed, "worst"))["answer"] == WORSE)


def people(seed: int, rows: int) -> dict[str, dict[str, float]]:
    """Fit each way on adult; return, for each, average precision of all, of the groups that got rows, and the least."""
    split = split_of("adult", seed)
    train, test = split.train, split.test
    if rows < len(train):
        train = train.take(np.sort(stream(seed, "rows").choice(len(train), rows, replace=False)))
    cells = [group for group in cells_of(test, PEOPLE) if JudgeRows.of(test.take(group.inside)).is_positive.sum() >= 30]
    small = [group for group in cells if group.inside.mean() < 1 / len(cells)]
    found = {}
    for name, arm in ARMS.items():
        said = arm(train, PEOPLE, stream(seed, "arm", name)).predict_proba(test.rows)[:, test.schema.positive]
        of_small = [precision(said, test, group.inside) for group in small]
        found[name] = {
            "all": precision(said, test, np.ones(len(test), dtype=bool)),
            "small groups": float(np.mean(of_small)),
            "worst group": min(precision(said, test, group.inside) for group in cells),
        }
    return found


def show_people(found: Sequence[dict[str, dict[str, float]]], terminal: Console) -> dict[str, float]:
    """Print what each way brings over real rows alone; return the gains of the small groups."""
    printed = RichTable("adult, by sex and race", *(f"{name}, AP" for name in found[0][REAL]))
    gains = {}
    for name in ARMS:
        cells = []
        for figure in found[0][REAL]:
            over = np.array([each[name][figure] - each[REAL][figure] for each in found])
            spread = f" ± {over.std(ddof=1) / np.sqrt(len(over)):.4f}" if len(over) > 1 else ""
            mean = np.mean([each[name][figure] for each in found])
            cells.append(f"{mean:.4f}" if name == REAL else f"{over.mean():+.4f}{spread}")
            if figure == "small groups" and name != REAL:
                gains[name] = round(float(over.mean()), 4)
        printed.add_row(name, *cells)
    terminal.print(printed)
    return gains


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Planted tables, each with its own loop.")] = 5,
    equals: Annotated[int, typer.Option(min=1, help="Tables in which no group differs.")] = 40,
    draws: Annotated[int, typer.Option(min=1, help="Draws of the rows of adult that train.")] = 5,
    rows: Annotated[int, typer.Option(min=200, help="Rows of adult that train.")] = 5000,
    parts: Annotated[str, typer.Option(help="planted, equals, people, by commas.")] = "planted,equals,people",
) -> None:
    """Print the figures and, last, one line of JSON."""
    terminal, headline = console(), dict[str, object]()
    wanted = listed(parts)
    if "planted" in wanted:
        each = [loop_on_planted(seed) for seed in range(seeds)]
        mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
        least = min(one["others"] for one in each)
        terminal.print(
            f"planted group: average precision {mean['before']:.3f} before, {mean['gain']:+.3f} with the loop; all "
            f"others {mean['others']:+.4f}, at worst {least:+.4f}; {seeds} tables"
        )
        headline |= {"planted_gain": round(mean["gain"], 4), "others_gain": round(mean["others"], 4)}
    if "equals" in wanted:
        found = sum(found_among_equals(seed) for seed in range(equals))
        terminal.print(f"a worst group was found in {found} of {equals} tables in which no group differs")
        headline |= {"found_among_equals": found, "tables_of_equals": equals}
    if "people" in wanted:
        headline |= {"small_group_gains": show_people([people(seed, rows) for seed in range(draws)], terminal)}
    print(json.dumps(headline))
