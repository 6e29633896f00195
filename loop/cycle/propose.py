"""New rows of one lane: find weak regions, allocate, generate, choose, label, pass the gates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from loop.cycle.allocation import allocate, anywhere
from loop.cycle.lanes import Lane
from loop.cycle.parts import Parts, Settings
from loop.gates import combine
from loop.protocols import Acquisition, Finite, Generator, Labeller, Learner, Steerable, Teacher
from loop.regions.weakness import entropy
from loop.supplies.acquisition import draw
from loop.supplies.pool import Pool
from loop.supplies.supply import Supply
from loop.support.timing import Clock
from loop.support.versions import with_version
from loop.types import Origin, Region, Request, Samples, Table, Verdict


@dataclass(frozen=True, eq=False)
class Proposed:
    """New rows of one lane in one generation, and how they were made."""

    rows: Table  # labelled and passed by the gates
    regions: tuple[Region, ...]
    requests: tuple[tuple[str, int], ...]
    counts: dict[str, int]
    origins: tuple[Origin, ...]
    seconds: dict[str, float]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A lane and what has been fitted for it."""

    lane: Lane
    learner: Learner  # the lane's champion
    teacher: Teacher | None  # of all lanes
    generator: Generator


def propose(
    parts: Parts,
    supply: Supply,
    real: Table,
    weakness: np.ndarray,
    fitted: Fitted,
    generation: int,
    rng: np.random.Generator,
) -> Proposed:
    """Make the new rows of one supply in one lane.

    Parameters
    ----------
    parts, supply : Parts, Supply
        The loop, and one of its supplies.
    real : Table, m rows
        The lane's fit rows.
    weakness : ndarray of shape (m,)
        Weakness of a learner on each of these rows, measured by one that has not seen it.
    generation : int
        Number of the generation, from 1.
    rng : numpy.random.Generator
    """
    settings, generator, clock = parts.settings, fitted.generator, Clock()
    n = rows_in_turn(supply, settings, len(real))
    find_rng, generate_rng, score_rng, draw_rng, label_rng, gate_rng = rng.spawn(6)
    with clock.stage("find"):
        regions = tuple((supply.finder or parts.finder).find(real, weakness, find_rng)) if supply.aimed else ()
    background, share = anywhere(weakness, by_weakness=False), parts.share_anywhere_of(supply)
    requests = allocate(regions, n * settings.pool, share_anywhere=share, background=background)
    if parts.steers(supply) and isinstance(generator, Steerable):
        generator = generator.steered(lambda rows: entropy(fitted.learner.predict_proba(rows)))
    with clock.stage("generator"):
        samples = _sampled(generator, requests, generate_rng)
    proposals = _gather(samples, generation)
    with clock.stage("learner"):
        pool = Pool(proposals, fitted.learner.predict_proba(proposals.rows))
    pool = _with_teacher(pool, supply.acquisition, fitted, clock)
    with clock.stage("aim"):
        chosen = pool.take(draw(supply.acquisition.score(pool, score_rng), n, draw_rng))
    chosen = _with_teacher(chosen, supply.labeller, fitted, clock)
    with clock.stage("label"):
        labelled = supply.labeller.label(chosen, label_rng)
    with clock.stage("gate"):
        verdict = combine(supply.gates, labelled, real, gate_rng)
    kept = labelled.take(verdict.keep)
    return Proposed(
        rows=replace(kept, weight=kept.weight * settings.weight),
        regions=regions,
        requests=tuple((request.region.text, request.n) for request in requests),
        counts={"asked": n * settings.pool, **_counts(samples, verdict)},
        origins=tuple(_origin(supply, real, request, generation, fitted.lane) for request in requests),
        seconds=dict(clock.seconds),
    )


def rows_in_turn(supply: Supply, settings: Settings, n_real: int) -> int:
    """Return the most rows that a supply may add in one generation."""
    if supply.rows is not None:
        return ceil(supply.rows / settings.generations)
    return rows_of_budget(settings, n_real)


def rows_of_budget(settings: Settings, n_real: int) -> int:
    """Return the rows of one generation that the budget comes to: ``most_rows`` caps it."""
    return max(1, min(round(settings.budget * n_real), settings.most_rows))


def _sampled(generator: Generator, requests: Sequence[Request], rng: np.random.Generator) -> list[Samples]:
    """Sample request after request; a row that is given answers one of them only."""
    samples = []
    for request in requests:
        samples.append(generator.sample(request, rng))
        if isinstance(generator, Finite):
            generator = generator.without(samples[-1].table.rows)
    return samples


def _gather(samples: list[Samples], generation: int) -> Table:
    """Stack samples and set their generation and their entry in the list of origins."""
    return Table.concat(
        [
            replace(
                sample.table,
                generation=np.full(len(sample.table), generation, dtype=np.int64),
                supply=np.full(len(sample.table), number, dtype=np.int64),
            )
            for number, sample in enumerate(samples)
        ]
    )


def _with_teacher(pool: Pool, reader: Acquisition | Labeller, fitted: Fitted, clock: Clock) -> Pool:
    """Add the teacher's answers for a part that reads them, unless they are there already.

    A teacher may be slow, so it is asked about rows that nobody has chosen yet only for an acquisition that reads it. A
    part that does not say ``needs_teacher = False`` gets the answers.
    """
    if fitted.teacher is None or pool.teacher is not None or not getattr(reader, "needs_teacher", True):
        return pool
    with clock.stage("teacher"):
        proba, variance = fitted.teacher.views(pool.table.rows, fitted.lane.without)
    return replace(pool, teacher=proba, variance=variance)


def _counts(samples: list[Samples], verdict: Verdict) -> dict[str, int]:
    """Count what became of the proposals, from the draws that were tried to the rows that the gates let pass."""
    proposed = sum(len(sample.table) for sample in samples)
    return {
        "short": sum(sample.shortfall for sample in samples),
        "tried": sum(sample.tried for sample in samples),
        "proposed": proposed,
        "unchosen": proposed - len(verdict.keep),
        **{f"refused: {reason}": count for reason, count in verdict.counts().items()},
        "kept": int(verdict.keep.sum()),
    }


def _origin(supply: Supply, real: Table, request: Request, generation: int, lane: Lane) -> Origin:
    label = "any" if request.label is None else str(real.schema.classes[request.label])
    return Origin(
        supply=supply.name,
        generation=generation,
        lane=lane.index,
        region=request.region.text,
        label=label,
        generator=with_version(supply.generator),
        acquisition=type(supply.acquisition).__name__,
        labeller=type(supply.labeller).__name__,
    )
