"""The parts of one loop and its settings, checked together before any work starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from loop.cycle.acceptance import Acceptance
from loop.errors import ConfigError
from loop.protocols import Acquisition, Gate, Generator, Labeller, Learner, RegionFinder, Steerable, Teacher
from loop.regions.weakness import MEASURES
from loop.types import Table


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the loop: the one place where they have their defaults and bounds.

    The metadata of a field bounds it: ``ge`` (at least), ``gt`` (above), ``le`` (at most), ``among`` (names).

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
        Measure that the region finder works on, see `loop.regions.weakness`.
    patience
        Generations in a row that may be rolled back.
    jobs
        Lanes worked on side by side (threads).
    """

    generations: int = field(default=4, metadata={"ge": 1})
    budget: float = field(default=0.5, metadata={"gt": 0})
    most_rows: int = field(default=5000, metadata={"ge": 1})
    pool: int = field(default=4, metadata={"ge": 1})
    share_anywhere: float = field(default=0.5, metadata={"ge": 0, "le": 1})
    weight: float = field(default=1.0, metadata={"gt": 0})
    steer: bool = False
    weakness: str = field(default="log_loss", metadata={"among": tuple(MEASURES)})
    patience: int = field(default=2, metadata={"ge": 1})
    jobs: int = field(default=2, metadata={"ge": 1})

    def __post_init__(self) -> None:
        for name in SETTINGS:
            check_setting(name, getattr(self, name))


SETTINGS = tuple(each.name for each in fields(Settings))


def check_setting(name: str, value: float | str, key: str | None = None) -> None:
    """Refuse a value of `Settings` that is out of its bounds.

    Parameters
    ----------
    key : str, optional
        What the user calls it; None = its name.

    Raises
    ------
    ConfigError
        With the bounds.
    """
    setting, key = next(each for each in fields(Settings) if each.name == name), key or name
    bounds, usual = setting.metadata, setting.default
    if "among" in bounds:
        if value not in bounds["among"]:
            raise ConfigError(f"{key} must be one of {', '.join(bounds['among'])}, got {value!r}: try {usual!r}")
    elif "le" in bounds:
        if not bounds["ge"] <= value <= bounds["le"]:
            raise ConfigError(f"{key} must lie in {bounds['ge']}..{bounds['le']}, got {value}: try {usual}")
    elif "ge" in bounds and not value >= bounds["ge"]:
        raise ConfigError(f"{key} must be at least {bounds['ge']}, got {value}: raise it")
    elif "gt" in bounds and not value > bounds["gt"]:
        raise ConfigError(f"{key} must be above {bounds['gt']}, got {value}: the default is {usual}")


@dataclass(frozen=True)
class Choice:
    """Names of parts, see `loop.catalogue`; by default those of a loop with a teacher."""

    finder: str = "tree"
    acquisition: str = "gap"
    labeller: str = "teacher"
    gates: tuple[str, ...] = ("domain", "copies")


UNTAUGHT = Choice(acquisition="entropy", labeller="condition", gates=(*Choice.gates, "label"))


@dataclass(frozen=True)
class Parts:
    """Unfitted parts; the loop copies each before it fits it.

    Parameters
    ----------
    learner
        The model to be delivered.
    surrogate
        A cheaper stand-in for the learner that aims and decides between generations; None = the learner itself.
        The claim at the end always rests on the learner.
    augmented_learner, augmented_surrogate
        What fits tables that hold new rows, with more capacity say; None = learner and surrogate themselves. A loop
        that keeps nothing delivers the learner.
    teacher
        None = a loop without a teacher: labels by condition, aim by the learner's own doubt.
    """

    learner: Learner
    generator: Generator
    finder: RegionFinder
    acquisition: Acquisition
    labeller: Labeller
    teacher: Teacher | None = None
    surrogate: Learner | None = None
    augmented_learner: Learner | None = None
    augmented_surrogate: Learner | None = None
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

    def learner_for(self, table: Table) -> Learner:
        """Return the learner for a table: the augmented one if it holds new rows."""
        return self.learner if table.is_real.all() else self.augmented_learner or self.learner

    def surrogate_for(self, table: Table) -> Learner:
        """Return what aims and decides on a table; without a surrogate it is the learner for that table."""
        if self.surrogate is None:
            return self.learner_for(table)
        return self.surrogate if table.is_real.all() else self.augmented_surrogate or self.surrogate
