"""The parts of one loop and its settings, checked together before any work starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from loop.cycle.acceptance import Acceptance
from loop.errors import ConfigError
from loop.protocols import Learner, RegionFinder, Steerable, Teacher
from loop.regions.weakness import MEASURES
from loop.supplies.supply import Supply
from loop.support.setting_checks import check_most, told
from loop.types import Table


@dataclass(frozen=True)
class Settings:
    """Settings of the loop, with their defaults and bounds.

    The metadata of a field bounds it: ``ge`` (at least), ``gt`` (above), ``le`` (at most), ``share`` (0 to 1),
    ``among`` (names).

    Parameters
    ----------
    generations : int
        Most generations of a run.
    budget : float
        New rows in a generation as a share of the real rows.
    most_rows : int
        Most new rows in a generation, whatever the share: on large tables a few thousand are enough.
    pool : int
        Proposals made for each row that is chosen.
    share_anywhere : float
        Share of the budget, 0 to 1, that is spent anywhere instead of in weak regions.
    weight : float
        Weight of a synthetic row relative to a real one.
    steer : bool
        Whether the learner's entropy guides the generator while it makes rows; needs a generator that can be steered.
        The teacher would be too slow to ask at every step; the acquisition may ask it about the finished rows.
    weakness : str
        Measure that the region finder works on, see `loop.regions.weakness`.
    patience : int
        Number of generations rolled back in a row after which the run stops.
    jobs : int
        Lanes that run in parallel (threads).
    """

    generations: int = field(default=4, metadata={"ge": 1, "le": 10_000})
    budget: float = field(default=0.5, metadata={"gt": 0})
    most_rows: int = field(default=5000, metadata={"ge": 1, "le": 10_000_000})
    pool: int = field(default=4, metadata={"ge": 1, "le": 10_000})
    share_anywhere: float = field(default=0.5, metadata={"share": True})
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
    name : str
        Field of `Settings`.
    value : float or str
        Its value.
    key : str, optional
        Name of the setting in the message; None = ``name``.

    Raises
    ------
    ConfigError
        If it is out of its bounds.
    """
    setting, key = next(each for each in fields(Settings) if each.name == name), key or name
    bounds, usual = setting.metadata, setting.default
    if "among" in bounds:
        if value not in bounds["among"]:
            raise ConfigError(f"{key} must be one of {', '.join(bounds['among'])}, got {value!r}: try {usual!r}")
    elif "share" in bounds:
        if isinstance(value, str) or not 0 <= value <= 1:
            raise ConfigError(f"{key} must lie in 0..1, got {told(value)}: try {usual}")
    elif "ge" in bounds and not value >= bounds["ge"]:
        raise ConfigError(f"{key} must be at least {bounds['ge']}, got {told(value)}: raise it")
    elif "gt" in bounds and not value > bounds["gt"]:
        raise ConfigError(f"{key} must be above {bounds['gt']}, got {told(value)}: the default is {usual}")
    check_most(key, value, bounds.get("le"))


@dataclass(frozen=True)
class Choice:
    """Names of parts, see `loop.catalogue`; the defaults are those of a loop with a teacher."""

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
    learner : Learner
        The model to be delivered.
    supplies : sequence of Supply
        Sources of new rows, asked in turn; at least one.
    finder : RegionFinder
        Finds weak regions, for supplies without a finder of their own.
    teacher : Teacher, optional
        None = a loop without a teacher: labels by condition, acquisition by the learner's own entropy.
    surrogate : Learner, optional
        A cheaper model used instead of the learner during the generations; None = the learner itself. The final
        claim always uses the learner.
    augmented_learner, augmented_surrogate : Learner, optional
        Models for tables that hold new rows, for example with more capacity; None = learner and surrogate themselves.
        If no generation is kept, the learner is delivered.
    acceptance : Acceptance
        Decides whether a generation is kept.
    settings : Settings

    Raises
    ------
    ConfigError
        If a part needs a teacher and there is none, no generator can be steered although it should, or supplies lack or
        share a name.
    """

    learner: Learner
    supplies: Sequence[Supply]
    finder: RegionFinder
    teacher: Teacher | None = None
    surrogate: Learner | None = None
    augmented_learner: Learner | None = None
    augmented_surrogate: Learner | None = None
    acceptance: Acceptance = field(default_factory=Acceptance)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        names = [supply.name for supply in self.supplies]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"a loop needs supplies of different names, got {names}: give each its own.")
        for supply in self.supplies:
            if self.teacher is None and supply.needs_teacher:
                raise ConfigError(
                    f"{supply.needs_teacher} needs a teacher, got none: "
                    "pass a teacher, or aim by entropy and label by condition"
                )
        steered = [supply.generator for supply in self.supplies if self.steers(supply)]
        if steered and not any(isinstance(generator, Steerable) for generator in steered):
            kinds = ", ".join(type(generator).__name__ for generator in steered)
            raise ConfigError(f"steer needs a generator that can be steered, got {kinds}: use diffusion.")

    def steers(self, supply: Supply) -> bool:
        """Tell whether the learner's entropy guides the generator of a supply, if that can be steered."""
        return self.settings.steer if supply.steer is None else supply.steer

    def share_anywhere_of(self, supply: Supply) -> float:
        """Return the share of a supply's rows that is made anywhere."""
        return self.settings.share_anywhere if supply.share_anywhere is None else supply.share_anywhere

    def learner_for(self, table: Table) -> Learner:
        """Return the learner for a table: the augmented one if it holds new rows."""
        return self.learner if table.is_real.all() else self.augmented_learner or self.learner

    def surrogate_for(self, table: Table) -> Learner:
        """Return the surrogate for a table; without one, the learner for that table."""
        if self.surrogate is None:
            return self.learner_for(table)
        return self.surrogate if table.is_real.all() else self.augmented_surrogate or self.surrogate
