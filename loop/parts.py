"""The parts of one loop and its settings, checked together before any work starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loop.acceptance import Acceptance
from loop.errors import ConfigError
from loop.protocols import Acquisition, Gate, Generator, Labeller, Learner, RegionFinder, Steerable, Teacher
from loop.types import Table
from loop.weakness import MEASURES


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the loop.

    Parameters
    ----------
    generations
        Turns of the loop at most.
    budget
        New rows in a generation as a share of the real rows.
    most_rows
        New rows in a generation at most, whatever the share: on large tables a few thousand aimed rows do it all.
    pool
        Proposals made for each row that is kept.
    share_anywhere
        Share of the budget that goes anywhere instead of into weak regions.
    weight
        Weight of a synthetic row against a real one.
    steer
        Whether the learner's entropy leads the generator while it makes rows; for generators that can be steered.
        The acquisition then picks among them. It may ask the teacher, which is too slow an answer at every step.
    weakness
        Measure that the region finder works on, see `loop.weakness`.
    patience
        Generations in a row that may be rolled back.
    jobs
        Lanes worked on side by side (threads).
    """

    generations: int = 4
    budget: float = 0.5
    most_rows: int = 5000
    pool: int = 4
    share_anywhere: float = 0.5
    weight: float = 1.0
    steer: bool = False
    weakness: str = "log_loss"
    patience: int = 2
    jobs: int = 2

    def __post_init__(self) -> None:
        for name, least in (("generations", 1), ("most_rows", 1), ("pool", 1), ("patience", 1), ("jobs", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, got {getattr(self, name)}: raise it")
        for name in ("budget", "weight"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"{name} must be above 0, got {getattr(self, name)}: the default is {getattr(Settings, name)}"
                )
        if not 0 <= self.share_anywhere <= 1:
            raise ConfigError(f"share_anywhere must lie in 0..1, got {self.share_anywhere}: try 0.5")
        if self.weakness not in MEASURES:
            raise ConfigError(f"weakness must be one of {', '.join(MEASURES)}, got {self.weakness!r}: try 'log_loss'")


@dataclass(frozen=True)
class Parts:
    """Unfitted parts; the loop copies each before it fits it.

    Parameters
    ----------
    learner
        The model to be delivered.
    scout
        A cheaper stand-in for the learner that aims and decides between generations; None = the learner itself.
        The claim at the end always rests on the learner.
    augmented_learner, augmented_scout
        What fits tables that hold new rows, with more capacity say; None = learner and scout themselves. A loop that
        keeps nothing delivers the learner.
    teacher
        None = a loop without a teacher: labels by condition, aim by the learner's own doubt.
    """

    learner: Learner
    generator: Generator
    finder: RegionFinder
    acquisition: Acquisition
    labeller: Labeller
    teacher: Teacher | None = None
    scout: Learner | None = None
    augmented_learner: Learner | None = None
    augmented_scout: Learner | None = None
    gates: Sequence[Gate] = ()
    acceptance: Acceptance = field(default_factory=Acceptance)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        for part in (self.acquisition, self.labeller):
            if self.teacher is None and getattr(part, "needs_teacher", False):
                raise ConfigError(
                    f"{type(part).__name__} needs a teacher, got none: "
                    "pass a teacher, or aim by entropy and label by condition"
                )
        if self.settings.steer and not isinstance(self.generator, Steerable):
            raise ConfigError(
                f"steer needs a generator that can be steered, got {type(self.generator).__name__}: diffusion can."
            )

    @property
    def aimer(self) -> Learner:
        """What aims and decides on real rows alone."""
        return self.scout or self.learner

    def learner_for(self, table: Table) -> Learner:
        """Return the learner for a table: the augmented one if it holds new rows."""
        return self.learner if table.is_real.all() else self.augmented_learner or self.learner

    def aimer_for(self, table: Table) -> Learner:
        """Return what aims and decides on a table; without a scout it is the learner for that table."""
        if self.scout is None:
            return self.learner_for(table)
        return self.scout if table.is_real.all() else self.augmented_scout or self.scout
