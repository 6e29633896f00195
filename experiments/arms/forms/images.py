"""The usual parts for images: a network against itself with other means for rare classes, and trees on columns."""

from collections.abc import Iterator
from dataclasses import replace

from experiments.arms.forms.form import Form
from experiments.arms.kind import BOOSTED, OTHER, Kind
from generators.images.augment import AugmentImages
from learners import XGBoost
from learners.images.convnet import Convnet
from loop.protocols import Learner

MEMBERS = 5
BALANCED, CLASSICAL = "network, classes equally often", "network, classes equally often, classical augmentation"
PLAIN, MIXUP, CUTMIX = "network", "network, classes equally often, mixup", "network, classes equally often, CutMix"
ADJUSTED = "network, logit adjustment"


def form() -> Form:
    """Return the usual parts; members of the committee differ by their seeds alone, which each gets when fitted."""
    learner = Convnet(balanced=True, augment="classical", most_steps=900)
    return Form(learner, (learner,) * MEMBERS, AugmentImages(), tuple(_kinds(learner)))


def networks(learner: Convnet) -> dict[str, Learner]:
    """Return a network by name with each of the means that others use instead of new rows, one at a time."""
    bare = replace(learner, balanced=False, augment="none", adjustment=0.0)
    return {
        PLAIN: bare,
        BALANCED: replace(bare, balanced=True),
        CLASSICAL: replace(bare, balanced=True, augment="classical"),
        MIXUP: replace(bare, balanced=True, augment="mixup"),
        CUTMIX: replace(bare, balanced=True, augment="cutmix"),
        ADJUSTED: replace(bare, adjustment=1.0),
    }


def _kinds(learner: Convnet) -> Iterator[Kind]:
    for name, each in networks(learner).items():
        yield Kind(name, OTHER, (each,), slow=False)
    yield Kind("XGBoost on columns", BOOSTED, (XGBoost(trees=200, depth=4, rate=0.08),), slow=False)
