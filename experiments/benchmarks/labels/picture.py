"""One picture: average precision against the share of labels bought, asked for and at random, table by table."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.benchmarks.labels.cells import RANDOM
from experiments.benchmarks.labels.readings import DEFAULT, ENOUGH, curves, full_score, share_needed
from experiments.report.figure_style import BLUE, GREY, ORANGE

COLUMNS = 3


def picture(results: pd.DataFrame, learner: str, arm: str = DEFAULT) -> Figure:
    """Draw one panel for each table, of one learner and one way of asking (another if it is not among the results)."""
    own = results[results["learner"] == learner]
    read, full = curves(own).droplevel("learner"), full_score(own).droplevel("learner")
    arm = arm if arm in results["arm"].to_numpy() else str(results["arm"].iloc[-1])
    names = list(full.index)
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(12, 3.1 * rows + 0.8), layout="constrained")
    for number, name in enumerate(names):
        axes = figure.add_subplot(rows, COLUMNS, number + 1)
        starts = own[own["table"] == name].groupby("arm")["x"]
        for way, colour in ((RANDOM, ORANGE), (arm, BLUE)):
            line = read.loc[(name, way)]
            within = (line.index >= starts.min()[way]) & (line.index <= starts.max()[way])
            axes.plot(line.index[within], line[within], color=colour, linewidth=2, label=way)
        axes.axhline(ENOUGH * full[name], color=GREY, linestyle="--", linewidth=1, label="95 % of the full score")
        asked, drawn = (share_needed(read.loc[(name, way)], full[name]) for way in (arm, RANDOM))
        axes.set_title(f"{name}: {asked:.0%} of the labels, at random {drawn:.0%}", loc="left", fontsize=10)
        axes.set_xscale("log")
        axes.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0%}"))
        axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(f"Average precision against the share of labels known ({learner})", x=0.01, ha="left")
    return figure
