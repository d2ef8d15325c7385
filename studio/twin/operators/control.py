"""Branches and loops over subgraphs.

A subgraph is run by `run(body, *inputs)`: it reads the values of the graphs around it directly. State may be tensors,
sequences (lists) or optionals (None).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import torch

from studio.twin.operators import operator
from studio.twin.plan import Body
from studio.twin.tensors import devices_of, meeting, moved
from studio.twin.types import Types

Run = Callable[..., tuple[Any, ...]]


@operator("If", host=(0,))
def branch(cond: torch.Tensor, *, then_branch: Body, else_branch: Body, run: Run) -> tuple[Any, ...]:
    return run(then_branch if bool(cond) else else_branch)


@operator("Loop", host=(0, 1))
def loop(
    limit: torch.Tensor | None, going: torch.Tensor | None, *state: Any, body: Body, run: Run, types: Types
) -> tuple[Any, ...]:
    """As ONNX Runtime does, the condition that the body returns ends the loop even where none was given to begin with."""
    steps = count() if limit is None else range(int(limit))
    scans: list[list[torch.Tensor]] = [[] for _ in body.outputs[1 + len(state) :]]
    more = going is None or bool(going)
    for step in steps:
        if not more:
            break
        again, *results = run(body, torch.tensor(step), torch.tensor(True), *state)
        more = bool(again)
        state = tuple(results[: len(state)])
        for made, value in zip(scans, results[len(state) :], strict=True):
            made.append(value)
    return (*state, *(_stacked(made, body, 1 + len(state) + n, 0, types) for n, made in enumerate(scans)))


@operator("Scan", since=9)
def scan(
    *inputs: Any,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: Sequence[int] = (),
    scan_input_directions: Sequence[int] = (),
    scan_output_axes: Sequence[int] = (),
    scan_output_directions: Sequence[int] = (),
    run: Run,
    types: Types,
) -> tuple[Any, ...]:
    states = len(inputs) - num_scan_inputs
    state, rows = inputs[:states], inputs[states:]
    rows = tuple(x.movedim(axis, 0) for x, axis in zip(rows, scan_input_axes or [0] * len(rows), strict=True))
    return _scan(state, rows, body, scan_input_directions, scan_output_directions, scan_output_axes, run, types)


@operator("Scan", since=8, host=(0,))
def scan_batched(
    lengths: torch.Tensor | None,
    *inputs: torch.Tensor,
    body: Body,
    num_scan_inputs: int,
    directions: Sequence[int] = (),
    run: Run,
    types: Types,
) -> tuple[Any, ...]:
    """The first form: axis 0 of everything is the batch, axis 1 of what is scanned the sequence, which may end early."""
    states = len(inputs) - num_scan_inputs
    longest = inputs[states].shape[1]
    ends = [longest] * len(inputs[0]) if lengths is None else lengths.tolist()
    results = []
    for place, end in enumerate(ends):
        state, rows = [x[place] for x in inputs[:states]], [x[place, :end] for x in inputs[states:]]
        made = _scan(state, rows, body, directions, (), (), run, types)
        scanned = [torch.cat((x, x.new_zeros(longest - end, *x.shape[1:]))) for x in made[states:]]
        results.append((*made[:states], *scanned))
    return tuple(torch.stack(column) for column in zip(*results, strict=True))


def _scan(
    state: Sequence[Any],
    rows: Sequence[torch.Tensor],
    body: Body,
    directions_in: Sequence[int],
    directions_out: Sequence[int],
    axes_out: Sequence[int],
    run: Run,
    types: Types,
) -> tuple[Any, ...]:
    states, outputs = len(state), len(body.outputs) - len(state)
    rows = [x.flip(0) if back else x for x, back in zip(rows, directions_in or [0] * len(rows), strict=True)]
    scans: list[list[torch.Tensor]] = [[] for _ in range(outputs)]
    for parts in zip(*rows, strict=True):
        results = run(body, *state, *parts)
        state = results[:states]
        for made, value in zip(scans, results[states:], strict=True):
            made.append(value)
    backs, axes = directions_out or [0] * outputs, axes_out or [0] * outputs
    made = [
        _stacked(values[::-1] if back else values, body, states + n, axis, types)
        for n, (values, back, axis) in enumerate(zip(scans, backs, axes, strict=True))
    ]
    return (*state, *made)


def _stacked(values: list[torch.Tensor], body: Body, output: int, axis: int, types: Types) -> torch.Tensor:
    """The values that the steps made as one tensor; without any step, an empty one of the declared shape (0 if unknown)."""
    if values:
        devices = devices_of(values)  # a state may begin on the CPU, where shapes and constants of loops are
        if len(devices) > 1:
            values = moved(values, meeting(devices))
        return torch.stack(values, axis)
    dtype, shape = body.declared[output]
    wanted = [dim if isinstance(dim, int) else 0 for dim in shape or ()]
    wanted.insert(axis if axis >= 0 else len(wanted) + 1 + axis, 0)
    return torch.zeros(wanted, dtype=torch.float32 if dtype is None else types.torch(dtype))
