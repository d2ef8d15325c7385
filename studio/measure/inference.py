"""Streaming samples through a model, recurrent state included: the one loop that everything which runs a model uses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studio.job import Job
from studio.measure.session import Session
from studio.samples import Batch, Part, Samples


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
    """Run `part` of the samples and yield each batch with its outputs.

    State outputs are fed back into state inputs until a batch says `restart`. Rows that only fill a fixed batch are
    cut off the outputs whose first axis is the batch.

    Raises:
        RunError: the model failed.
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    total = max(len(samples.rows(part)[:limit]), 1)
    done = 0
    names = None if outputs is None else list(dict.fromkeys([*outputs, *samples.state.values()]))
    state: dict[str, np.ndarray] = {}
    for batch in samples.batches(batch_size, part, limit):
        job.check()
        feeds = batch.feeds if batch.restart else {**batch.feeds, **state}
        results = session.run(feeds, names)
        state = {into: results[name] for into, name in samples.state.items()}
        filled = max((len(v) for n, v in batch.feeds.items() if n not in samples.state and np.ndim(v)), default=0)
        real = len(batch.rows)
        if real < filled:
            results = {n: v[:real] if np.ndim(v) and len(v) == filled else v for n, v in results.items()}
        done += real
        job.progress(done / total, f"{done} of {total} samples")
        yield batch, results
