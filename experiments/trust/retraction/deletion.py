"""Deleting what holds retracted rows or derives from them, as far as it can be reached."""

from contextlib import suppress
from pathlib import Path

from experiments.report.html import SYNTHETIC
from experiments.storage import run_folder
from experiments.trust.retraction.inventory import Inventory, Item
from loop.support import atomic
from loop.tracking.forgetting import Traces, forget

NOTE = "retracted.json"  # left in the folder of the run
LAST = (SYNTHETIC, run_folder.REPORT, run_folder.FINGERPRINT)  # a deletion that was cut short can be begun again


def delete(inventory: Inventory, traces: Traces, run: Path, replay: Path) -> tuple[str, ...]:
    """Delete what an inventory lists as to be deleted; return what remains, a sentence each.

    MLflow's records go first: if it does not answer, nothing else is deleted.

    Raises
    ------
    TrackingError
        If MLflow does not answer.
    """
    with run_folder.held(run):
        remains = list(forget(traces))
        for item in sorted(inventory.doomed, key=_turn):
            if item.path is not None:
                item.path.unlink(missing_ok=True)
        for folder in sorted((path for path in run.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):  # not empty
                folder.rmdir()
        atomic.write_json(run / NOTE, {"without": replay.name, "remains": remains})
    return tuple(remains)


def _turn(item: Item) -> int:
    return LAST.index(item.place) if item.place in LAST else -1
