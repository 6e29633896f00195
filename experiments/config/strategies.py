"""Strategies: names of lists of supplies, and the parts of a loop made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.arms.names import LOOP
from generators import GENERATORS
from loop.catalogue import ACQUISITIONS, FINDERS, GATES, LABELLERS, check_name
from loop.cycle.acceptance import Acceptance
from loop.cycle.parts import Choice, Parts, Settings
from loop.protocols import Generator, Learner, Teacher
from loop.supplies.supply import TAUGHT, Supply

NOWHERE = "nowhere"  # name of the finder that looks for no regions


@dataclass(frozen=True)
class Strategy(Choice):
    """A function that makes supplies, by the names of the parts that decide which rows are made and how labelled."""

    generator: str = "neighbourhood"
    share_anywhere: float = Settings.share_anywhere
    steer: bool = Settings.steer  # whether the uncertainty of the learner also steers the generator

    def __call__(self, name: str = TAUGHT, generator: Generator | None = None) -> tuple[Supply, ...]:
        """Return the supplies of this name, whose generator may be another one; unfitted."""
        supply = Supply(
            generator=generator or GENERATORS.make(self.generator),
            acquisition=ACQUISITIONS.make(self.acquisition),
            labeller=LABELLERS.make(self.labeller),
            gates=tuple(GATES.make(gate) for gate in self.gates),
            name=name,
            aimed=self.finder != NOWHERE,
            finder=None if self.finder == Choice.finder else FINDERS.make(self.finder),
            share_anywhere=self.share_anywhere,
            steer=self.steer,
        )
        return (supply,)


STRATEGIES: Mapping[str, Strategy] = {
    "targeted": Strategy(),
    "untargeted": Strategy(finder=NOWHERE, acquisition="random", share_anywhere=1.0),
    "doubt": Strategy(acquisition="entropy"),
    "disagreement": Strategy(acquisition="variance"),
    "guided": Strategy(generator="diffusion", steer=True),
    "classical": Strategy(
        finder="by_class",
        acquisition="random",
        generator="imblearn",
        labeller="condition",
        gates=(*Choice.gates, "label"),
        share_anywhere=0.0,
    ),
}


def loop_name(strategy: str, supplies: Sequence[Supply]) -> str:
    """Return the name of a loop's own learner: by what ran, the strategy and other supplies of rows."""
    ran = (strategy if supply.name == TAUGHT else supply.name.partition(": ")[0] for supply in supplies)
    return LOOP + ", ".join(dict.fromkeys(ran))


def augmented_of(learner: Learner) -> Learner:
    """Return the learner for tables with new rows: XGBoost with more capacity, others as they are."""
    from learners.xgboost import XGBoost, augmented

    return augmented(learner) if isinstance(learner, XGBoost) else learner


def surrogate_of(learner: Learner) -> Learner:
    """Return the surrogate, which aims and decides: for XGBoost fewer, faster trees; else the learner itself."""
    from learners import XGBoost

    return replace(learner, trees=100, rate=0.1, bins=64) if isinstance(learner, XGBoost) else learner


def augmented_surrogate_of(learner: Learner, augmented_learner: Learner) -> Learner:
    """Return the surrogate for tables with new rows: more trees than `surrogate_of`, as deep as the learner."""
    from learners import XGBoost

    if not isinstance(augmented_learner, XGBoost):
        return augmented_learner
    depth = learner.depth if isinstance(learner, XGBoost) else augmented_learner.depth
    return replace(augmented_learner, trees=120, depth=depth, rate=0.1, bins=64)


def without_aim(parts: Parts) -> Parts:
    """Return the control of a loop: the same supplies, but no regions are sought and rows are chosen at random."""
    (control,) = STRATEGIES["untargeted"]()
    aim = {name: getattr(control, name) for name in ("acquisition", "aimed", "finder", "share_anywhere", "steer")}
    return replace(parts, supplies=tuple(replace(supply, **aim) for supply in parts.supplies))


def compose(
    strategy: Strategy | str = "targeted",
    *,
    learner: Learner | None = None,
    augmented_learner: Learner | None = None,
    teacher: Teacher | None = None,
    generator: Generator | None = None,
    settings: Settings | None = None,
    acceptance: Acceptance | None = None,
) -> Parts:
    """Make the parts of a loop from a strategy, with the project's defaults for everything else.

    Parameters
    ----------
    strategy : Strategy or str
        A strategy or its name.
    learner : Learner, optional
        Default: XGBoost.
    augmented_learner : Learner, optional
        Learner for tables with new rows; default: made by `augmented_of`.
    teacher : Teacher, optional
        Default: a committee of the default members.
    generator : Generator, optional
        Default: that of the strategy.
    settings : Settings, optional
        Its supplies have ``share_anywhere`` and ``steer`` from the strategy.
    acceptance : Acceptance, optional

    Raises
    ------
    ConfigError
        If there is no strategy of this name.
    """
    from learners import Committee, XGBoost  # libraries load with the parts that need them

    if isinstance(strategy, str):
        strategy = STRATEGIES[check_name("strategy", strategy, STRATEGIES)]
    learner, settings = learner or XGBoost(), settings or Settings()
    augmented_learner = augmented_learner or augmented_of(learner)
    return Parts(
        learner=learner,
        surrogate=surrogate_of(learner),
        augmented_learner=None if augmented_learner is learner else augmented_learner,
        augmented_surrogate=augmented_surrogate_of(learner, augmented_learner),
        teacher=teacher or Committee(jobs=settings.jobs),
        supplies=strategy(generator=generator),
        finder=FINDERS.make(Choice.finder),
        acceptance=acceptance or Acceptance(),
        settings=settings,
    )
