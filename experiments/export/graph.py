"""A model of trees as an ONNX graph: from encoded columns to calibrated class probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from experiments.export.encoding import calibration_of
from experiments.export.trees import Ensemble, Node, Weight, of_booster, of_forest
from learners.forest import Forest
from learners.xgboost import XGBoost
from loop.model import Model

INPUT, OUTPUT = "rows", "probabilities"
OPSETS = (("", 17), ("ai.onnx.ml", 3))
IR_VERSION = 8  # as old as the operators allow, for the runtimes in use
SINGLE, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


@dataclass
class Graph:
    """Nodes and constants; every step returns the name of its output."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def step(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output and return its name."""
        name = f"step_{len(self.nodes)}"
        domain = "ai.onnx.ml" if operator.startswith("Tree") else ""
        self.nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, value: Any, dtype: type = np.float64) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(value, dtype=dtype), name)
        return name

    def cast(self, x: str, to: int) -> str:
        """Add a conversion to single or double precision."""
        return self.step("Cast", x, to=to)


def graph_of(model: Model, learner: XGBoost | Forest) -> ModelProto:
    """Return the model as an ONNX graph.

    Its input ``rows`` (n, d), double, holds encoded columns, NaN where a value is missing; its output
    ``probabilities`` (n, K), double, what `Model.predict_proba` returns, up to rounding in single precision.

    Parameters
    ----------
    model : Model
    learner : XGBoost or Forest
        The learner of the model.
    """
    graph, x = Graph(), INPUT
    if learner.offsets_.offsets:
        offset = np.zeros(len(model.schema.columns))
        offset[list(learner.offsets_.offsets)] = list(learner.offsets_.offsets.values())
        x = graph.step("Sub", x, graph.constant(offset))
    x = graph.cast(graph.cast(x, SINGLE), DOUBLE)  # values as single, in which the trees were fitted; exact comparisons
    sizes = [len(column.categories) for column in model.schema.columns]
    proba = _forest(graph, x, learner) if isinstance(learner, Forest) else _boosted(graph, x, learner, sizes)
    graph.step("Identity", _calibrated(graph, proba, calibration_of(model.calibration)))
    graph.nodes[-1].output[0] = OUTPUT
    return _finished(graph, len(model.schema.columns), model.schema.n_classes)


def _boosted(graph: Graph, x: str, learner: XGBoost, sizes: list[int]) -> str:
    ensemble, margins = of_booster(learner, sizes)
    margin = graph.step("Add", _sums(graph, x, ensemble), graph.constant(margins, np.float32))
    if learner.n_classes_ > 2:
        return graph.step("Softmax", graph.cast(margin, DOUBLE), axis=1)
    # The logistic function step by step, rounded where XGBoost rounds: a calibration may magnify what is left of 1.
    odds_against = graph.cast(graph.step("Exp", graph.step("Neg", graph.cast(margin, DOUBLE))), SINGLE)
    p = graph.step("Reciprocal", graph.step("Add", odds_against, graph.constant([1], np.float32)))
    p = graph.cast(p, DOUBLE)
    return graph.step("Concat", graph.step("Sub", graph.constant([1]), p), p, axis=1)


def _forest(graph: Graph, x: str, learner: Forest) -> str:
    sums = graph.cast(_sums(graph, x, of_forest(learner)), DOUBLE)
    return graph.step("Div", sums, graph.constant([len(learner.model_)]))


def _sums(graph: Graph, x: str, ensemble: Ensemble) -> str:
    """Add the trees; they add up in double precision, and the sums (n, targets) are single."""
    nodes = dict(zip(Node._fields, zip(*ensemble.nodes, strict=True), strict=True))  # each field of all nodes
    weights = dict(zip(Weight._fields, zip(*ensemble.weights, strict=True), strict=True))
    doubles = {
        f"{name}_as_tensor": numpy_helper.from_array(np.asarray(values, dtype=np.float64), name)
        for name, values in {"nodes_values": nodes["value"], "target_weights": weights["weight"]}.items()
    }
    return graph.step(
        "TreeEnsembleRegressor",
        x,
        n_targets=ensemble.targets,
        nodes_treeids=nodes["tree"],
        nodes_nodeids=nodes["node"],
        nodes_featureids=nodes["column"],
        nodes_modes=nodes["mode"],
        nodes_truenodeids=nodes["yes"],
        nodes_falsenodeids=nodes["no"],
        nodes_missing_value_tracks_true=nodes["missing"],
        target_treeids=weights["tree"],
        target_nodeids=weights["node"],
        target_ids=weights["target"],
        **doubles,
    )


def _calibrated(graph: Graph, proba: str, calibration: Mapping[str, Any]) -> str:
    if calibration["method"] == "platt":
        clipped = graph.step("Clip", proba, graph.constant(calibration["floor"]), graph.constant(1.0))
        scaled = graph.step("Mul", graph.step("Log", clipped), graph.constant(calibration["slope"]))
        return graph.step("Softmax", graph.step("Add", scaled, graph.constant(calibration["offset"])), axis=1)
    if calibration["method"] == "isotonic":
        lines = [_line(graph, proba, at, *knots) for at, knots in enumerate(calibration["knots"])]
        raised = graph.step("Concat", *lines, axis=1)
        total = graph.step("ReduceSum", raised, graph.constant([1], np.int64), keepdims=1)
        return graph.step("Div", raised, total)
    return proba


def _line(graph: Graph, proba: str, at: int, x: list[float], y: list[float]) -> str:
    """Interpolate the probabilities of a class (n, 1): the first value and a share of the rise between all knots."""
    p = graph.step("Gather", proba, graph.constant([at], np.int64), axis=1)
    start = np.asarray(x[:-1] if len(x) > 1 else x)
    width, rise = (np.diff(each) if len(x) > 1 else np.array([one]) for each, one in ((x, 1.0), (y, 0.0)))
    way = graph.step("Div", graph.step("Sub", p, graph.constant(start)), graph.constant(width))
    share = graph.step("Clip", way, graph.constant(0.0), graph.constant(1.0))
    risen = graph.step("MatMul", share, graph.constant(rise[:, None]))
    return graph.step("Add", risen, graph.constant([y[0]]))


def _finished(graph: Graph, d: int, n_classes: int) -> ModelProto:
    """Put the steps together and check them by the rules of ONNX."""
    made = helper.make_graph(
        graph.nodes,
        "weakspot",
        [helper.make_tensor_value_info(INPUT, DOUBLE, ["n", d])],
        [helper.make_tensor_value_info(OUTPUT, DOUBLE, ["n", n_classes])],
        list(graph.constants.values()),
    )
    opsets = [helper.make_opsetid(*each) for each in OPSETS]
    proto = helper.make_model(made, producer_name="weakspot", opset_imports=opsets, ir_version=IR_VERSION)
    checker.check_model(proto)
    return proto
