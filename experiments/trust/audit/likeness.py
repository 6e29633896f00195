"""Likeness of a synthetic table: columns, pairs of columns, and whole rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loop.evaluation.drift import columns, detection_auc
from loop.seeds import root, stream
from loop.types import Table

PAIRED_COLUMNS = 40  # columns whose pairwise correlations are compared at most


@dataclass(frozen=True)
class Likeness:
    """How alike real and synthetic rows are; none of it tells whether the rows are useful or whether they leak."""

    shapes: float  # mean over columns of one minus the distance of `by_column`; 1 = the same
    pairs: float  # mean over pairs of columns of one minus half the difference of their rank correlations
    detection_auc: float  # how well trees tell real from synthetic rows; 0.5 = not at all
    by_column: tuple[tuple[str, float], ...]  # column -> Kolmogorov-Smirnov distance or total variation, largest first
    labels: float  # total variation of the classes

    @property
    def sentence(self) -> str:
        """What the three figures mean, in words."""
        told = (
            "cannot tell"
            if self.detection_auc < 0.55
            else "can tell"
            if self.detection_auc > 0.7
            else "can hardly tell"
        )
        return f"Trees {told} real from synthetic rows (AUC {self.detection_auc:.2f}, 0.5 = not at all)."


def likeness(real: Table, synthetic: Table, rng: np.random.Generator) -> Likeness:
    """Compare columns, pairs of columns (the label is one), and whole rows without their labels."""
    found = [
        (str(row["column"]), float(row["ks"] if "ks" in row else row["total_variation"]))
        for row in columns(real, synthetic)
    ]
    return Likeness(
        shapes=1 - float(np.mean([distance for _, distance in found])),
        pairs=1 - _correlation_gap(real, synthetic) / 2,
        detection_auc=detection_auc(real.X, synthetic.X, stream(root(rng), "detection")),
        by_column=tuple(sorted(found, key=lambda each: -each[1])),
        labels=float(np.abs(_shares(real) - _shares(synthetic)).sum() / 2),
    )


def _shares(table: Table) -> np.ndarray:
    counts = np.bincount(table.y, minlength=table.n_classes)
    shares: np.ndarray = counts / counts.sum()
    return shares


def _correlation_gap(real: Table, synthetic: Table) -> float:
    """Return the mean absolute difference of Spearman correlations."""
    ranked = [
        pd.DataFrame(np.column_stack([table.X[:, :PAIRED_COLUMNS], table.y])).rank().corr().to_numpy()
        for table in (real, synthetic)
    ]
    above = np.triu_indices(len(ranked[0]), k=1)
    gaps = np.abs(np.nan_to_num(ranked[0]) - np.nan_to_num(ranked[1]))[above]
    return float(gaps.mean()) if len(gaps) else 0.0
