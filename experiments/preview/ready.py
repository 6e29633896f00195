"""A run before its first fit: rows and parts, with everything checked that can be."""

from dataclasses import dataclass

from experiments.arms.delivery import check_storable
from experiments.arms.names import CHEAP
from experiments.arms.plain import kinds
from experiments.config.constraints import complaints, constraints
from experiments.config.operating_points import miss_costs
from experiments.config.run_config import RunConfig
from experiments.run.given import notes
from experiments.run.inputs import RunInputs, gather, parts_of
from experiments.run.real_rows import named_rows
from experiments.run.statements import overlaps
from loop.cycle.parts import Parts
from loop.data.schema_json import to_json
from loop.support.memory import check_fits


@dataclass(frozen=True, eq=False)
class Ready:
    """What a run works on, and what it says before it begins."""

    config: RunConfig
    inputs: RunInputs
    parts: Parts
    broken: tuple[str, ...]  # constraints that real rows break, a sentence each

    @classmethod
    def of(cls, config: RunConfig) -> "Ready":
        """Load the table, make the parts and check both.

        Raises
        ------
        WeakspotError
            If configuration or data break a rule.
        """
        inputs = gather(config.data, config.loop)
        loop, (n, d) = config.loop, inputs.train.X.shape
        check_fits("loop.budget, most_rows and pool", min(loop.budget * n, loop.most_rows) * loop.pool, d)
        parts = parts_of(config, inputs.train, inputs)
        broken = complaints(constraints(config.constraints), inputs.train)
        to_json(inputs.schema)  # raises before any work if the schema cannot be saved
        check_storable(parts, config.deliver)
        miss_costs(config.metrics.operating_points, inputs.dataset)
        return cls(config, inputs, parts, broken)

    @property
    def messages(self) -> tuple[str, ...]:
        """What was done to the table, and what is known of stated and given rows, a sentence each."""
        told = [each.sentence for each in named_rows(self.config, self.inputs)]
        own = (*notes(self.parts), *overlaps(self.parts, self.inputs.train, self.config.loop.seed))
        return (*self.inputs.messages, *told, *self.broken, *own)

    @property
    def generations_at_most(self) -> int:
        """Turns of the loop at most: as many for each supply."""
        return self.config.loop.generations * len(self.parts.supplies)

    @property
    def arms_at_most(self) -> int:
        """Arms at most, the loop among them."""
        plain = len(kinds(self.inputs.schema)) + 1 if self.config.arms.plain else 0
        return 3 + (len(CHEAP) + plain if self.config.arms.run else 0)
