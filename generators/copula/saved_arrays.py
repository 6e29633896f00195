"""Arrays of a saved copula, checked against the schema and each other."""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from generators.common.marginals import CLOSE, Marginal, check_correlation
from generators.common.saved_rows import part_of
from loop.errors import DataError
from loop.support.model_files.arrays import Form, checked
from loop.types import Schema

Parts = tuple[tuple[Marginal, ...], np.ndarray, tuple[int, ...]]


def of_class(arrays: Mapping[str, np.ndarray], schema: Schema) -> Parts:
    """Return marginals, correlation and gaps of the copula of a class.

    Raises
    ------
    DataError
        Unless they fit the schema and each other; the caller adds the file and the way out.
    """
    d, names = len(schema.columns), [each.name for each in fields(Marginal)]
    if fault := Form("iu", (None,), 0, d - 1).fault(arrays.get("gaps")):
        raise DataError(f"gaps must {fault}")
    gaps = arrays["gaps"]
    width = d + len(gaps)
    held = [f"{number}/{name}" for number in range(width) for name in names]
    checked(arrays, {"correlation": Form("f", (width, width), -1 - CLOSE, 1 + CLOSE)}, more=["gaps", *held])
    check_correlation(arrays["correlation"])
    discrete = [*schema.discrete.tolist(), *[True] * len(gaps)]
    marginals = tuple(Marginal.of_arrays(part_of(arrays, f"{number}/")) for number in range(width))
    if len(np.unique(gaps)) < len(gaps) or [each.discrete for each in marginals] != discrete:
        raise DataError("gaps must be columns, once each, and discrete columns have codes")
    return marginals, arrays["correlation"], tuple(gaps.tolist())
