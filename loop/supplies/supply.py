"""A supply of new rows: who proposes them, how they are chosen and labelled, what refuses them, and how many."""

from collections.abc import Sequence
from dataclasses import dataclass

from loop.errors import ConfigError
from loop.protocols import Acquisition, Gate, Generator, Labeller, Private, RegionFinder

TAUGHT = "taught"  # name of the supply whose rows a generator proposes and the teacher labels


@dataclass(frozen=True)
class Supply:
    """A source of new rows. The loop copies the generator before it fits it.

    Parameters
    ----------
    generator : Generator
        Makes the proposals.
    acquisition : Acquisition
        Scores the proposals.
    labeller : Labeller
        Labels the chosen ones.
    gates : sequence of Gate
        Refuse rows, in order.
    name : str
        Of the supply, unique among those of a loop.
    rows : int, optional
        Most rows kept in the whole run, in equal parts, rounded up, for each of its generations; None =
        `Settings.budget` and ``most_rows`` for each generation.
    aimed : bool
        Whether proposals are requested inside weak regions; False = anywhere only.
    stated : bool
        Whether its labels are knowledge that the judge rows cannot test, since none of them shows the pattern. Its rows
        are kept unless the judge rows prove harm, and rows of the pattern that were held back tell what they bring.
    finder : RegionFinder, optional
        Finds the weak regions of an aimed supply; None = that of the loop.
    share_anywhere : float, optional
        Share of its rows, 0 to 1, made anywhere instead of in weak regions; None = as the settings of the loop say.
    steer : bool, optional
        Whether the learner's entropy guides its generator; None = as the settings of the loop say.

    Raises
    ------
    ConfigError
        If ``rows`` is below 1, ``share_anywhere`` is outside 0..1, or the generator is private.
    """

    generator: Generator
    acquisition: Acquisition
    labeller: Labeller
    gates: Sequence[Gate] = ()
    name: str = TAUGHT
    rows: int | None = None
    aimed: bool = True
    stated: bool = False
    finder: RegionFinder | None = None
    share_anywhere: float | None = None
    steer: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.generator, Private):
            raise ConfigError(
                f"a generator of a loop must not be private, as {type(self.generator).__name__} is: regions, gates and "
                "a teacher fitted on the same rows would void its promise. Use it alone, with weakspot generate."
            )
        if self.rows is not None and self.rows < 1:
            raise ConfigError(f"rows of supply {self.name!r} must be at least 1, got {self.rows}: raise it.")
        if self.share_anywhere is not None and not 0 <= self.share_anywhere <= 1:
            raise ConfigError(
                f"share_anywhere of supply {self.name!r} must lie in 0..1, got {self.share_anywhere}: try 0.5."
            )

    @property
    def needs_teacher(self) -> str | None:
        """Name of the class of a part that needs a teacher; None if there is none."""
        parts = (self.acquisition, self.labeller)
        return next((type(part).__name__ for part in parts if getattr(part, "needs_teacher", False)), None)
