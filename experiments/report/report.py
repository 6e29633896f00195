"""The report of a run as plain values, written to a file and read back."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.report import record_shapes
from experiments.report.decision import Decision
from experiments.report.formatting import words
from experiments.sanity.finding import HARM, Finding
from experiments.storage import run_folder
from experiments.trust.fairness.worst import in_words
from loop.errors import DataError
from loop.evaluation.metrics import resolve
from loop.supplies.supply import TAUGHT
from loop.support import atomic
from loop.support.format import stamped, unstamped
from loop.support.plain_json import Record
from loop.support.record_checks import Check

PRINTED = 10  # models in the table of a print
WAY_OUT = "restore it from a copy, or run config.yaml of that folder again"


@dataclass(frozen=True)
class Report:
    """Everything the report says, as values that JSON can hold."""

    data: Record  # name, rows and positives of both parts, class to catch, number of classes
    recall_at_precision: str  # name of the metric at the chosen precision
    generations: list[Record]  # see `loop.cycle.generation_codec.to_record`
    verdict: Record  # of the judge rows
    arms: list[Record]  # on the test rows
    gain: (
        Record  # of the delivered model over the best plain one, on the test rows; see `experiments.arms.scoring.Gain`
    )
    loop_gain: Record  # the same of the loop's own learner
    delivery: Record  # see `experiments.arms.delivery.Delivery`
    planted: list[Record]  # of a simulation: which planted weak regions were found
    supplies: list[Record]  # what each made, cost and brings to the final learner
    patterns: list[Record]  # of stated patterns: what is caught of rows held back, see `loop.cycle.held_back.Caught`
    seconds: float
    real_patterns: list[Record] = field(default_factory=list)  # see `experiments.run.real_rows.caught_of`
    judge: Record = field(default_factory=dict)  # scores on the judge rows "before" (real only) and "after" (delivered)
    software: Record = field(default_factory=dict)  # version by package
    operating: list[Record] = field(default_factory=list)  # see `loop.evaluation.threshold_table.operating_table`
    calibration: Record = field(default_factory=dict)  # see `experiments.run.sealed_figures.answer_records`
    groups: list[Record] = field(default_factory=list)  # see `experiments.trust.fairness.record`
    group_gaps: Record = field(default_factory=dict)
    worst_group: Record = field(default_factory=dict)
    audit: Record = field(default_factory=dict)  # see `experiments.trust.audit.of_rows.quick_audit`
    card: Record = field(default_factory=dict)  # see `experiments.trust.card.Card`
    answers: Record = field(default_factory=dict)  # see `experiments.labels.effect.effect`
    warnings: list[Record] = field(default_factory=list)  # see `experiments.sanity.finding.Finding`
    mended: list[Record] = field(default_factory=list)  # see `experiments.report.mended.mended`
    expected: Record = field(default_factory=dict)  # see `experiments.report.expected.expected`
    importance: list[Record] = field(default_factory=list)  # see `experiments.arms.importance.importance`

    def save(self, folder: Path) -> None:
        """Write the report into a run's folder, the decision first."""
        content = {"decision": asdict(self.decision), **asdict(self)}
        atomic.write_json(folder / run_folder.REPORT, stamped(content))

    @classmethod
    def load(cls, folder: Path) -> "Report":
        """Read the report of a finished run; raises DataError if it is missing or damaged."""
        path = folder / run_folder.REPORT
        content = unstamped(run_folder.read_json(path), path, run_folder.AGAIN)
        return cls(**checked(record_shapes.report, content, path, WAY_OUT))

    @property
    def decision(self) -> Decision:
        """What to do, from the figures of this report."""
        return Decision.of(self)

    @property
    def n_classes(self) -> int:
        """Number of classes of the target."""
        return int(self.data["classes"])

    @property
    def aimed(self) -> list[Record]:
        """The generations that looked for weak regions."""
        sought = {each["supply"] for each in self.supplies if each.get("aimed", each["supply"] == TAUGHT)}
        return [each for each in self.generations if each["supply"] in sought]

    @property
    def none_sought(self) -> str:
        """Why there are no weak regions to show, if no generation looked for any."""
        stated = all(each["supply"].startswith("stated: ") for each in self.generations)
        return f"none were sought: {'all new rows are stated' if stated else 'new rows were made anywhere'}"

    @property
    def real_caught(self) -> list[str]:
        """What is caught of the real rows of stated patterns, a sentence each."""
        told = "{}: of {:,} real ones among the test rows the delivered model catches {}, real rows alone {}"
        return [
            told.format(each["supply"], each["rows"], _share(each["after"]), _share(each["before"]))
            for each in self.real_patterns
        ]

    @property
    def worst_in_words(self) -> str:
        """How the worst group fares with the delivered model."""
        return in_words(self.worst_group["after"])

    @property
    def warning_lines(self) -> list[str]:
        """The warnings, a line each."""
        return [Finding(**each).line for each in self.warnings]

    @property
    def harm(self) -> list[str]:
        """What belongs beside the verdict: operating points and groups that are worse off, a sentence each."""
        return [each["sentence"] for each in self.warnings if each["name"] == HARM]

    @property
    def delivered(self) -> str:
        """Name of the delivered model."""
        return str(self.delivery["name"])

    @property
    def one_plain(self) -> bool:
        """Whether a single plain model was fitted, so that none is the best of several."""
        return sum(bool(arm["plain"]) for arm in self.arms) == 1

    @property
    def other_warnings(self) -> list[str]:
        """The warnings that the headline of the decision does not tell, a line each."""
        told = self.decision.headline
        return [Finding(**each).line for each in self.warnings if each["sentence"] not in told]

    @property
    def best_arms(self) -> list[Record]:
        """The delivered and the best plain model and the best others, as many as a printed page holds, best first."""
        named = (self.delivered, self.delivery["best_plain"])
        ranked = sorted(self.arms, key=lambda arm: -float(str(arm["average_precision"])))
        kept = sorted(ranked, key=lambda arm: arm["arm"] not in named)[:PRINTED]
        return [arm for arm in ranked if arm in kept]

    @property
    def by_day(self) -> bool:
        """Whether catches are compared at a budget of alerts for each day."""
        return bool(self.expected) and "a day" in str(self.expected["alerts"]["budget"])

    @property
    def alerts_on_test(self) -> float:
        """The number of alerts on the test rows at which catches are compared."""
        if not self.expected:
            return float(self.data["test_positives"])
        return float(self.expected["alerts"]["alerts"]) * float(self.data["test_rows"]) / float(self.expected["rows"])

    @property
    def macro(self) -> str:
        """Note to a ranking metric of more than two classes, see `loop.evaluation.metrics.score`; else empty."""
        return " (mean over classes)" if self.n_classes > 2 else ""

    @property
    def one_class(self) -> str:
        """Note to figures of the class to catch, where other figures are means over classes; else empty."""
        return f" (class {self.data['positive']} against the rest)" if self.macro else ""

    def named(self, metric: str) -> str:
        """Write the name of a metric of `loop.evaluation.metrics.score` in words."""
        return words(metric) + (self.macro if resolve(metric).ranking else "")


def _share(interval: Record) -> str:
    return f"{interval['estimate']:.0%} [{interval['low']:.0%}, {interval['high']:.0%}]"


def checked(check: Check, content: object, path: Path, way_out: str) -> Any:
    """Return what a file of a run's folder holds, once a check has taken all of it.

    Raises
    ------
    DataError
        If it is damaged.
    """
    try:
        return check(content, "its content")
    except DataError as error:
        raise damaged(path, error, way_out) from error


def damaged(path: Path, why: object, way_out: str) -> DataError:
    """Return the error for a damaged file in the folder of a run."""
    told = " ".join(str(why).split())[:200]
    return DataError(f"{path.name} must be as the run wrote it, and {path} is damaged ({told}): {way_out}.")
