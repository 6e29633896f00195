"""Putting parts together: a strategy is a named combination of finder, acquisition, generator, labeller and gates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from generators import kind_of
from learners import MLP, Committee, ExtraTrees, Forest, Linear, XGBoost
from learners.xgboost import augmented
from loop.acceptance import Acceptance
from loop.acquisition import ACQUISITIONS, Uniform
from loop.errors import ConfigError
from loop.gates import Copies, Domain, Label
from loop.labelling import LABELLERS
from loop.parts import Parts, Settings
from loop.protocols import Gate, Generator, Learner, RegionFinder
from loop.regions import ByClass, Nowhere, TreeFinder

LEARNERS: Mapping[str, type[Learner]] = {
    "xgboost": XGBoost,
    "forest": Forest,
    "extra_trees": ExtraTrees,
    "linear": Linear,
    "mlp": MLP,
}
FINDERS: Mapping[str, type[RegionFinder]] = {"tree": TreeFinder, "by_class": ByClass, "nowhere": Nowhere}
GATES: Mapping[str, type[Gate]] = {"domain": Domain, "copies": Copies, "label": Label}


@dataclass(frozen=True)
class Strategy:
    """Names of the parts that decide which rows are made and what they are taught as."""

    finder: str = "tree"
    acquisition: str = "gap"
    generator: str = "neighbourhood"
    labeller: str = "teacher"
    gates: tuple[str, ...] = ("domain", "copies")
    share_anywhere: float = 0.5
    steer: bool = False  # does the learner's doubt lead the generator, too?


STRATEGIES: Mapping[str, Strategy] = {
    "targeted": Strategy(),
    "untargeted": Strategy(finder="nowhere", acquisition="random", share_anywhere=1.0),
    "doubt": Strategy(acquisition="entropy"),
    "disagreement": Strategy(acquisition="variance"),
    "guided": Strategy(generator="diffusion", steer=True),
    "classical": Strategy(
        finder="by_class",
        acquisition="random",
        generator="imblearn",
        labeller="condition",
        gates=("domain", "copies", "label"),
        share_anywhere=0.0,
    ),
}


def pick(kind: str, name: str, catalogue: Mapping[str, object]) -> object:
    """Look a part up by name.

    Raises
    ------
    ConfigError
        With the names that exist.
    """
    if name not in catalogue:
        raise ConfigError(f"{kind} must be one of {', '.join(catalogue)}, got {name!r}: choose one of these")
    return catalogue[name]


def augmented_of(learner: Learner) -> Learner:
    """Return the learner for tables with new rows: XGBoost with more capacity, others as they are."""
    return augmented(learner) if isinstance(learner, XGBoost) else learner


def scout_of(learner: Learner) -> Learner:
    """Return the cheaper stand-in that aims and decides: fewer, faster trees; other learners stand for themselves."""
    return replace(learner, trees=100, rate=0.1, bins=64) if isinstance(learner, XGBoost) else learner


def augmented_scout_of(learner: Learner, augmented_learner: Learner) -> Learner:
    """Return the stand-in for tables with new rows: some more trees than the scout, no deeper than the learner's."""
    if not isinstance(augmented_learner, XGBoost):
        return augmented_learner
    depth = learner.depth if isinstance(learner, XGBoost) else augmented_learner.depth
    return replace(augmented_learner, trees=120, depth=depth, rate=0.1, bins=64)


def without_aim(parts: Parts) -> Parts:
    """Return the control of a loop: the same, but no region is looked for and rows are chosen at random."""
    settings = replace(parts.settings, share_anywhere=1.0, steer=False)
    return replace(parts, finder=Nowhere(), acquisition=Uniform(), settings=settings)


def compose(
    strategy: Strategy | str = "targeted",
    *,
    learner: Learner | None = None,
    augmented_learner: Learner | None = None,
    generator: Generator | None = None,
    settings: Settings | None = None,
    acceptance: Acceptance | None = None,
) -> Parts:
    """Make the parts of a loop from a strategy, with the project's defaults for everything else.

    A ``generator`` takes the place of the strategy's; without an ``augmented_learner`` `augmented_of` makes it.
    """
    if isinstance(strategy, str):
        pick("strategy", strategy, STRATEGIES)
        strategy = STRATEGIES[strategy]
    learner, settings = learner or XGBoost(), settings or Settings()
    augmented_learner = augmented_learner or augmented_of(learner)
    return Parts(
        learner=learner,
        scout=scout_of(learner),
        augmented_learner=None if augmented_learner is learner else augmented_learner,
        augmented_scout=augmented_scout_of(learner, augmented_learner),
        teacher=Committee(jobs=settings.jobs),
        generator=generator or kind_of(strategy.generator)(),
        finder=pick("finder", strategy.finder, FINDERS)(),  # type: ignore[operator]
        acquisition=pick("acquisition", strategy.acquisition, ACQUISITIONS)(),  # type: ignore[operator]
        labeller=pick("labeller", strategy.labeller, LABELLERS)(),  # type: ignore[operator]
        gates=tuple(pick("gate", gate, GATES)() for gate in strategy.gates),  # type: ignore[operator]
        acceptance=acceptance or Acceptance(),
        settings=replace(settings, share_anywhere=strategy.share_anywhere, steer=strategy.steer),
    )
