"""New rows of one lane: find weak regions, allocate, generate, choose, label, pass the gates."""

from dataclasses import dataclass, replace

import numpy as np

from loop.cycle.acquisition import draw
from loop.cycle.allocation import allocate, anywhere
from loop.cycle.lanes import Lane
from loop.cycle.parts import Parts
from loop.cycle.pool import Pool
from loop.gates import combine
from loop.protocols import Generator, Learner, Steerable, Teacher
from loop.regions.weakness import entropy
from loop.support.timing import Clock
from loop.types import Origin, Region, Request, Samples, Table

TAUGHT = "taught"  # supply of rows that a generator proposes and the loop's labeller labels


@dataclass(frozen=True, eq=False)
class Proposed:
    """New rows of one lane in one generation, and how they were made."""

    rows: Table  # labelled and passed by the gates
    regions: tuple[Region, ...]
    requests: tuple[tuple[str, int], ...]
    counts: dict[str, int]
    origins: tuple[Origin, ...]
    seconds: dict[str, float]


def propose(
    parts: Parts,
    real: Table,
    weakness: np.ndarray,
    *,
    learner: Learner,
    teacher: Teacher | None,
    generator: Generator,
    lane: Lane,
    generation: int,
    rng: np.random.Generator,
) -> Proposed:
    """Make the new rows of one lane.

    Parameters
    ----------
    real : Table, m rows
        The lane's fit rows.
    weakness : ndarray of shape (m,)
        Weakness of a learner on each of these rows, measured by one that has not seen it.
    learner, teacher, generator : Learner, Teacher or None, Generator
        Fitted: the lane's champion, the teacher of all lanes, the lane's generator.
    lane : Lane
    generation : int
        Number of the generation, from 1.
    rng : numpy.random.Generator
    """
    settings, clock = parts.settings, Clock()
    n = max(1, min(round(settings.budget * len(real)), settings.most_rows))
    find_rng, generate_rng, score_rng, draw_rng, label_rng, gate_rng = rng.spawn(6)
    with clock.stage("find"):
        regions = tuple(parts.finder.find(real, weakness, find_rng))
    background = anywhere(weakness, by_weakness=False)
    requests = allocate(regions, n * settings.pool, share_anywhere=settings.share_anywhere, background=background)
    if settings.steer and isinstance(generator, Steerable):
        generator = generator.steered(lambda rows: entropy(learner.predict_proba(rows)))
    with clock.stage("generator"):
        samples = [generator.sample(request, generate_rng) for request in requests]
    proposals = _gather(samples, generation)
    pool = _views(proposals, learner, teacher, lane, clock)
    with clock.stage("aim"):
        chosen = pool.take(draw(parts.acquisition.score(pool, score_rng), n, draw_rng))
    with clock.stage("label"):
        labelled = parts.labeller.label(chosen, label_rng)
    with clock.stage("gate"):
        verdict = combine(parts.gates, labelled, real, gate_rng)
    kept = labelled.take(verdict.keep)
    return Proposed(
        rows=replace(kept, weight=kept.weight * settings.weight),
        regions=regions,
        requests=tuple((request.region.text, request.n) for request in requests),
        counts={
            "asked": n * settings.pool,
            "short": sum(sample.shortfall for sample in samples),
            "tried": sum(sample.tried for sample in samples),
            "proposed": len(proposals),
            "unchosen": len(proposals) - len(labelled),
            **{f"refused: {reason}": count for reason, count in verdict.counts().items()},
            "kept": len(kept),
        },
        origins=tuple(_origin(parts, real, request, generation, lane) for request in requests),
        seconds=dict(clock.seconds),
    )


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


def _views(proposals: Table, learner: Learner, teacher: Teacher | None, lane: Lane, clock: Clock) -> Pool:
    """Predict proposals by learner and teacher."""
    with clock.stage("learner"):
        answers = learner.predict_proba(proposals.rows)
    if teacher is None:
        return Pool(proposals, answers)
    with clock.stage("teacher"):
        return Pool(proposals, answers, *teacher.views(proposals.rows, lane.without))


def _origin(parts: Parts, real: Table, request: Request, generation: int, lane: Lane) -> Origin:
    label = "any" if request.label is None else str(real.schema.classes[request.label])
    return Origin(
        supply=TAUGHT,
        generation=generation,
        lane=lane.index,
        region=request.region.text,
        label=label,
        generator=type(parts.generator).__name__,
        acquisition=type(parts.acquisition).__name__,
        labeller=type(parts.labeller).__name__,
    )
