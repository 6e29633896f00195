"""The sources of a comparison: their names, and their tables, loaded before any cell."""

from collections import Counter
from collections.abc import Mapping, Sequence

from experiments.config.data_config import DataConfig
from experiments.config.run_config import RunConfig
from experiments.run.inputs import gather, parts_of
from experiments.run.tracking import tables_of
from experiments.storage.result_cache import Records

Gathered = Mapping[DataConfig, Records]  # tables of sources, as trackers take them


def check_sources(runs: Sequence[RunConfig]) -> Gathered:
    """Load each source that has unfinished cells, make the parts of every strategy on it, and return its tables.

    So a fault in a source or strategy is found before hours of work on others.
    """
    gathered = {}
    for first in {run.data: run for run in runs}.values():
        inputs = gather(first.data, first.loop)
        for run in {run.loop.strategy: run for run in runs if run.data == first.data}.values():
            parts_of(run, inputs.train, inputs)
        gathered[first.data] = tables_of(inputs)
    return gathered


def source_names(sources: Sequence[DataConfig]) -> list[str]:
    """Name the sources; sources of the same name are told apart by their other settings."""
    counts = Counter(each.source for each in sources)

    def settings(each: DataConfig) -> str:
        return ", ".join(f"{key}={getattr(each, key)!r}" for key in sorted(each.model_fields_set - {"source"}))

    told = [(each.source, settings(each)) for each in sources]
    return [f"{source} ({own})" if counts[source] > 1 and own else source for source, own in told]
