# %% [markdown]
# # Card fraud, from payments to a decision
#
# A notebook in percent format: VS Code and Jupyter (with jupytext) open it as one, and `python docs/fraud.py` runs it.
# It takes a few minutes; `WEAKSPOT_SMALL=1` makes it a matter of seconds, with fewer payments than anybody should
# decide by.

# %%
import os

import pandas as pd
from sklearn.metrics import average_precision_score
from xgboost import XGBClassifier

from experiments.data.simulation.simulation import simulate
from learners import Committee, ExtraTrees, Linear, XGBoost
from loop import LoopClassifier
from loop.asking.frames import Questions
from loop.expressions.parser import parse

SMALL = bool(os.environ.get("WEAKSPOT_SMALL"))

# %% [markdown]
# ## The payments
#
# Simulated here; `pd.read_parquet("payments.parquet")` would be yours. The last quarter of the time tests, as in use,
# and the loop never sees it.

# %%
payments = simulate(customers=40 if SMALL else 300, days=30 if SMALL else 45, fraud_rate=0.04, seed=1).frame
payments = payments.sort_values("time", ignore_index=True)
y = payments.pop("fraud")
later = payments.index >= 0.75 * len(payments)
X = payments.drop(columns=["transaction", "time", "customer", "terminal"])  # who and when say nothing about new cards
cards = payments["customer"]  # payments of one card are never on both sides of a split within the loop
print(f"{(~later).sum():,} payments to learn from, {y[~later].sum():,} of them frauds; {later.sum():,} to test")

# %% [markdown]
# ## The loop
#
# `LoopClassifier()` alone would do. A small teacher keeps this short.

# %%
model = LoopClassifier(
    XGBoost(trees=100),
    teacher=Committee(members=(Linear(), ExtraTrees(trees=100, min_leaf=2))),
    generations=1 if SMALL else 3,
    random_state=0,
    verbose=True,
)
model.fit(X[~later], y[~later], groups=cards[~later])

# %% [markdown]
# In a notebook the next line shows the parts, the verdict, and the weak regions in tables.

# %%
model  # noqa: B018

# %% [markdown]
# ## Did it help?
#
# The verdict is a claim on rows that the loop did not learn from. "No proven gain" is an answer, too: with few frauds
# little can be proven.

# %%
print(model.verdict_.sentence)
plain = XGBClassifier(n_estimators=100).fit(pd.get_dummies(X[~later]), y[~later])
seen = pd.get_dummies(X[later]).reindex(columns=plain.feature_names_in_, fill_value=False)
scores = {"loop": model.predict_proba(X[later])[:, 1], "XGBoost": plain.predict_proba(seen)[:, 1]}
for name, each in scores.items():
    print(f"{name}: average precision {average_precision_score(y[later], each):.3f} on later payments")

# %% [markdown]
# ## What a team can check
#
# Twenty alerts a day are what the analysts have time for: how many of them are frauds?

# %%
days = payments.loc[later, "time"].dt.date.nunique()
alerts = min(20 * days, int(later.sum()))
caught = {name: int(y[later].to_numpy()[each.argsort()[::-1][:alerts]].sum()) for name, each in scores.items()}
print(f"frauds among the {alerts} highest scores: {caught}, of {y[later].sum()} in all")

# %% [markdown]
# ## Where it is weak
#
# Regions are rules with counts. Their text is read as it is printed, so it can be pasted into `--where`, a constraint
# or, as here, applied to a frame.

# %%
weak = model.regions_
print(weak[["generation", "region", "rows", "positives"]].to_string())
if len(weak):
    columns = {name: X[name].to_numpy() for name in X}
    inside = parse(weak["region"].iloc[-1]).evaluate(columns).astype(bool)
    print(
        f"{inside[later].sum():,} later payments are in the last region, {y[later][inside[later]].sum()} of them frauds"
    )

# %% [markdown]
# ## Which payments to look at next
#
# Later payments have no labels yet: which of them would teach the model most?

# %%
asking = LoopClassifier(
    XGBoost(trees=100),
    teacher=None,
    generations=1,
    random_state=0,
    unlabelled=X[later],
    questions=Questions(rows=20),
).fit(X[~later], y[~later])
queue: pd.DataFrame = asking.queue_
print(queue[["ws_kind", "ws_score"]].head())
