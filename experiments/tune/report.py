"""Result of a search: the winner, the Pareto front of score and cost, and the figures of the last line."""

from collections.abc import Mapping

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich import box
from rich.table import Table

from experiments.report.console import shown
from experiments.tune.config import TuneConfig
from experiments.tune.repeats import SAME_AS
from experiments.tune.sealed_test import Optimism
from experiments.tune.space import Value
from experiments.tune.study import finished, start_trial
from loop.errors import ConfigError
from loop.support.visible import in_markdown

WINS = "winner"  # the role of the trial that won


def winner(study: optuna.Study, config: TuneConfig) -> FrozenTrial:
    """Return the trial with the best score among those that cost at most ``most_cost`` times the start.

    If none scores better than the start, the start wins and the test rows need not be opened.
    """
    start = started(study, config)
    affordable = [each for each in _complete(study) if each.values[1] <= config.most_cost * start.values[1]]
    return max([start, *affordable], key=lambda each: (each.values[0], each.number == start.number, -each.values[1]))


def headline(
    study: optuna.Study, config: TuneConfig, best: FrozenTrial, optimism: Optimism
) -> Mapping[str, float | int]:
    """Return the figures of the last line."""
    trials, over_plain = finished(study), optimism.over_best_plain
    states = [each.state for each in trials]
    return {
        "best_judge": round(best.values[0], 4),
        "default_judge": round(started(study, config).values[0], 4),
        "optimism": round(optimism.optimism, 4),
        "test_gain": round(optimism.test_gain, 4),
        **({} if over_plain is None else {"test_gain_over_best_plain": round(over_plain, 4)}),
        "trials": len(states),
        "pruned": states.count(TrialState.PRUNED),
        "failed": states.count(TrialState.FAIL),
        "repeated": sum(SAME_AS in each.user_attrs for each in trials),
    }


def front_table(study: optuna.Study, config: TuneConfig, best: FrozenTrial) -> Table:
    """Return a table of the Pareto front of score and cost, cheapest first, with the start and the winner."""
    title = f"The front of score and cost, mean over sources; the winner costs at most {config.most_cost:g} x the start"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("trial", justify="right")
    table.add_column("")
    for column in ("average precision", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("changes")
    for row in _front(study, config, best):
        table.add_row(*map(shown, row))
    return table


def front_in_markdown(study: optuna.Study, config: TuneConfig, best: FrozenTrial) -> str:
    """Return the table of `front_table` as Markdown, the winner in bold, for the page of the search in MLflow."""
    head = ["trial", "", "average precision on judge rows", "seconds", "changes"]
    rows = [head, ["---"] * len(head)]
    for row in _front(study, config, best):
        cells = [*row[:-1], in_markdown(row[-1])]  # the values of a space are the user's words
        rows.append([f"**{cell}**" if cell and WINS in row[1] else cell for cell in cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _front(study: optuna.Study, config: TuneConfig, best: FrozenTrial) -> list[tuple[str, ...]]:
    """Return number, role, score, cost and changes of the trials of the front, of start and winner, cheapest first."""
    start = started(study, config)
    listed = {each.number: each for each in (*study.best_trials, start, best)}
    rows: list[tuple[str, ...]] = []
    for trial in sorted(listed.values(), key=lambda each: each.values[1]):
        role = ", ".join(word for word, each in (("start", start), (WINS, best)) if each.number == trial.number)
        score, seconds = trial.values
        rows.append((str(trial.number), role, f"{score:.4f}", f"{seconds:.1f}", changes_in_words(trial, config)))
    return rows


def changes_in_words(trial: FrozenTrial, config: TuneConfig) -> str:
    """Write what a trial changes of the configuration that the search starts from."""
    return ", ".join(_changes(config.values(trial.params), config.start)) or "none"


def _changes(values: Mapping[str, Value], start: Mapping[str, Value]) -> list[str]:
    """Write the values that differ from the start."""
    changed = {key.removesuffix(".name").rpartition(".")[2]: values[key] for key in values if values[key] != start[key]}
    return [f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in changed.items()]


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    complete: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return complete


def started(study: optuna.Study, config: TuneConfig) -> FrozenTrial:
    """Return the trial of the unchanged configuration.

    Raises
    ------
    ConfigError
        If it has not finished.
    """
    start = start_trial(study, config)
    if start is None:
        raise ConfigError("a search must finish the configuration it starts from, and it did not: run it again.")
    return start
