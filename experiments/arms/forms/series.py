"""The usual parts for time series: MiniRocket, taught by several kinds of models, on small changes of real series."""

from experiments.arms.forms.form import Form
from experiments.arms.kind import BOOSTED, OTHER, RANDOM, Kind
from generators import AugmentSeries
from learners import ConvnetSeries, ExtraTrees, MiniRocket, XGBoost

FEATURES = 2_500  # of those models that are fitted many times; the paper's 10,000 take four times as long


def form() -> Form:
    """Return the parts, unfitted; a run on a thousand series of a few hundred steps takes a few minutes.

    Trees read the columns that the encoder makes of a series, and are what somebody without a learner of series would
    use; balanced models are what they would do about rare classes.
    """
    quick = MiniRocket(FEATURES)
    members = (
        quick,
        MiniRocket(FEATURES, head="logistic"),
        ConvnetSeries(),
        XGBoost(depth=4, row_share=0.8, column_share=0.8),
    )
    kinds = (
        Kind("MiniRocket", OTHER, (quick,), slow=False),
        Kind("MiniRocket, 10,000 features", OTHER, (MiniRocket(), MiniRocket(head="logistic"))),
        Kind("MiniRocket, balanced", OTHER, (MiniRocket(FEATURES, balanced=True),), slow=False),
        Kind("MiniRocket, boosted trees", OTHER, (MiniRocket(FEATURES, head="xgboost"),)),
        Kind("convolutional network", OTHER, (ConvnetSeries(), ConvnetSeries(balanced=True))),
        Kind("XGBoost on columns", BOOSTED, (XGBoost(),), slow=False),
        Kind("extra trees on columns", RANDOM, (ExtraTrees(max_features=0.5, min_leaf=2),)),
    )
    return Form(learner=quick, members=members, generator=AugmentSeries(), kinds=kinds)
