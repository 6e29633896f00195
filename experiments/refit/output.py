"""What is kept and shown of a fit on all rows: the model, a record of figures, a table."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from experiments.arms.scoring import SCORE
from experiments.refit.refit import Refit
from experiments.report.console import say, shown
from experiments.storage import run_folder
from loop.support.atomic import replaced, write_json
from loop.support.format import stamped
from loop.support.plain_json import Record, plain

FOLDER, FIGURES = "all_rows", "figures.json"


def record(found: Refit) -> Record:
    """Return the figures as plain values."""
    tested, choice = found.tested, found.tested.choice
    models = [
        {"model": name, **metrics, "seconds_fit": seconds, "judge_average_precision": judged}
        for name, metrics, seconds, judged in zip(
            tested.names, tested.metrics, (*tested.seconds, None), (*choice.scores, None), strict=True
        )
    ]
    told: Record = plain(
        {
            "files": found.files,
            "rows": found.rows,
            "fitted_rows": found.fitted,
            "judge_rows": choice.judge_rows,
            "test_rows": tested.test_rows,
            "models": models,
            "delivered": tested.delivered,
            "delivery": choice.sentence,
            "verdict": tested.sentence,
            "over_run": asdict(tested.over_run),
            "proven": tested.proven,
            "seconds": found.seconds,
        }
    )
    return told


def write(found: Refit, run: Path) -> Path:
    """Write the model and the figures into a folder inside that of the run, all or nothing; return it."""
    folder = run / FOLDER
    with replaced(folder) as partial:
        run_folder.save_model(found.model, partial / run_folder.MODEL)
        write_json(partial / FIGURES, stamped(record(found)))
    return folder


def show(found: Refit, console: Console) -> None:
    """Print the models with their scores, and what is delivered."""
    told = record(found)
    table = RichTable("model", "average precision, judge rows", "test rows", "recall at 1 % fpr", "s to fit")
    for each in told["models"]:
        judged, seconds = each["judge_average_precision"], each["seconds_fit"]
        table.add_row(
            shown(each["model"]),
            "" if judged is None else f"{judged:.3f}",
            f"{each[SCORE]:.3f}",
            f"{each['recall_at_fpr_01']:.3f}",
            "" if seconds is None else f"{seconds:.1f}",
        )
    console.print(table)
    for name in ("delivery", "verdict"):
        say(console, told[name])
