"""The rows that the final learner is fitted on beside real ones: their file, description and data card."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from experiments.data.files import write_table
from experiments.report import html
from experiments.report.report import Report
from experiments.run.inputs import RunInputs
from experiments.storage import run_folder
from experiments.trust import card
from experiments.trust.provenance import croissant
from experiments.trust.provenance.croissant import Making
from experiments.trust.provenance.record import Provenance
from loop.cycle.driver import LoopRun
from loop.cycle.ledger import Ledger
from loop.frames import synthetic_frame
from loop.support import atomic
from loop.support.plain_json import Record, plain
from loop.tracking.records import rows_marks


@dataclass(frozen=True, eq=False)
class Kept:
    """The kept rows of a run, and what they were made from."""

    rows: pd.DataFrame  # with their trail
    arrays: Mapping[str, np.ndarray]  # what they have beside their columns (n, ...), by name; texts are columns
    made_from: Provenance | None  # None = an earlier version began the run and wrote nothing down

    @classmethod
    def of(cls, looped: LoopRun, folder: Path) -> Self:
        """Return those of a finished loop, whose folder says what was read."""
        kept = [each for each in looped.history if each.decision.kept and len(each.rows)]
        kept = kept if looped.outcome.verdict.kept else []
        held = Ledger.of(kept, kept[0].rows).rows.rows.arrays if kept else {}
        arrays = {name: array for name, array in held.items() if array.dtype.kind != "U"}
        return cls(synthetic_frame(kept), arrays, Provenance.read(folder))

    def data_card(self, supplies: Sequence[Record], inputs: RunInputs, audit: Record) -> Record:
        """Return their data card as plain values."""
        found = audit["verdict"] if audit else "This was not tried: weakspot audit RUN does."
        title = f"New rows of a run on {inputs.dataset.name}"
        how, not_for = card.how_of_loop(supplies, self.rows), (*card.NOT_FOR, card.OF_A_LOOP)
        made = card.card_of(title, self.rows, inputs.schema.target, self.made_from, how, found, not_for)
        record: Record = plain(asdict(made))
        return record

    def _save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **self.arrays)

    def write(self, report: Report, folder: Path) -> None:
        """Write them with words in their file that they are synthetic, and description and card beside it."""
        path, told = folder / html.SYNTHETIC, self.made_from
        write_table(self.rows, path, rows_marks({} if told is None else told.tags))
        if self.arrays:
            atomic.write_file(folder / html.ARRAYS, self._save, private=True)
        if told is not None:
            made = f"{len(self.rows):,} synthetic rows that a loop kept, made where a model was weak"
            what = f"{made}. They are no real rows."
            settings = {"configuration": run_folder.CONFIG, "training rows": report.data["train_rows"]}
            making = Making(told, f"{report.data['name']} synthetic rows", what, settings)
            croissant.write_beside(path, self.rows, making, folder / croissant.FILE)
        atomic.write_text(folder / card.FILE, card.Card.read(report.card).markdown)
