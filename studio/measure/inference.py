"""Streaming samples through models, recurrent state included: the one loop that everything which runs a model uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from studio.job import Job
from studio.measure.session import Session
from studio.samples import Batch, Part, Samples


def run_together(
    sessions: Sequence[Session],
    samples: Samples,
    part: Part = "all",
    *,
    batch_size: int = 1,
    limit: int | None = None,
    outputs: list[str] | None = None,
    job: Job | None = None,
) -> Iterator[tuple[Batch, list[dict[str, np.ndarray]]]]:
    """Run `part` of the samples through every session and yield each batch with the outputs of each.

    Every sample is read once. State outputs are fed back into state inputs, for each session its own, until a batch
    says `restart`. Rows that only fill a fixed batch are cut off the outputs whose first axis is the batch.

    Raises:
        RunError: a model failed.
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    total = max(len(samples.rows(part, limit)), 1)
    done = 0
    names = None if outputs is None else list(dict.fromkeys([*outputs, *samples.state.values()]))
    states: list[dict[str, np.ndarray]] = [{} for _ in sessions]
    for batch in samples.batches(batch_size, part, limit):
        results = []
        for number, session in enumerate(sessions):
            job.check()
            feeds = batch.feeds if batch.restart else {**batch.feeds, **states[number]}
            values = session.run(feeds, names)
            states[number] = {into: values[name] for into, name in samples.state.items() if into in session.inputs}
            results.append(_without_filling(values, batch, samples))
        done += len(batch.rows)
        job.progress(done / total, f"{done} of {total} samples")
        yield batch, results


def run_samples(
    session: Session,
    samples: Samples,
    part: Part = "all",
    *,
    batch_size: int = 1,
    limit: int | None = None,
    outputs: list[str] | None = None,
    job: Job | None = None,
) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
    """`run_together` for one session: yields each batch with its outputs."""
    streams = run_together([session], samples, part, batch_size=batch_size, limit=limit, outputs=outputs, job=job)
    for batch, (results,) in streams:
        yield batch, results


def _without_filling(values: dict[str, np.ndarray], batch: Batch, samples: Samples) -> dict[str, np.ndarray]:
    real, filled = len(batch.rows), samples.fixed_batch or len(batch.rows)
    if real >= filled:
        return values
    return {n: v[:real] if np.ndim(v) and len(v) == filled else v for n, v in values.items()}
