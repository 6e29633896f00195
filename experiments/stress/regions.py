"""The weak regions that a run has recorded, as patterns to ask its model about."""

from experiments.report.report import WAY_OUT, Report, damaged
from experiments.storage import run_folder
from experiments.stress.subject import Subject
from loop.cycle.generation_codec import regions_of, shape
from loop.errors import ConfigError, DataError
from loop.regions.tree import SAME
from loop.types import Region, Table

INSTEAD = "give --book FILE or --where EXPRESSION"


def weak_regions(subject: Subject) -> tuple[Region, ...]:
    """Return the weak regions of all generations of a run, the latest first, those of nearly the same rows once.

    They were found on training rows. So real rows that the model was not trained on did not choose them.

    Raises
    ------
    ConfigError
        If the subject is no run.
    DataError
        If the run recorded none, or its report is damaged.
    """
    if not subject.is_run:
        raise ConfigError(f"a model alone has recorded no weak regions, and {subject.folder} is one: {INSTEAD}.")
    distinct = list[Region]()
    for region in _recorded(subject):
        if not any(_same(region, other, subject.real) for other in distinct):
            distinct.append(region)
    if not distinct:
        raise DataError(f"a run must have found weak regions, and {subject.folder} recorded none: {INSTEAD}.")
    return tuple(distinct)


def _recorded(subject: Subject) -> list[Region]:
    schema, records = subject.real.schema, Report.load(subject.folder).generations
    try:
        return [region for record in reversed(records) for region in regions_of(shape(record, "generations"), schema)]
    except DataError as error:
        raise damaged(subject.folder / run_folder.REPORT, error, WAY_OUT) from error


def _same(one: Region, other: Region, real: Table) -> bool:
    """Tell whether two regions of one class hold nearly the same rows, as `loop.regions.tree.TreeFinder` does."""
    if one.label != other.label:
        return False
    first, second = one.contains(real.rows), other.contains(real.rows)
    either = int((first | second).sum())
    return one.text == other.text or (either > 0 and int((first & second).sum()) > SAME * either)
