"""Sequences (Python lists of tensors) and optionals (a value, or None)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from studio.errors import RunError
from studio.twin.operators import Node, operator
from studio.twin.plan import Body

Sequence = list[torch.Tensor]


@operator("SequenceEmpty", since=11)
def sequence_empty(*, dtype: int = 1) -> Sequence:
    return []


@operator("SequenceConstruct", since=11)
def sequence_construct(*tensors: torch.Tensor) -> Sequence:
    return list(tensors)


@operator("SequenceAt", since=11, host=(1,))
def sequence_at(sequence: Sequence, position: torch.Tensor) -> torch.Tensor:
    return sequence[int(position)]


@operator("SequenceInsert", since=11, host=(2,))
def sequence_insert(sequence: Sequence, tensor: torch.Tensor, position: torch.Tensor | None = None) -> Sequence:
    place = len(sequence) if position is None else int(position)
    return [*sequence[:place], tensor, *sequence[place:]]


@operator("SequenceErase", since=11, host=(1,))
def sequence_erase(sequence: Sequence, position: torch.Tensor | None = None) -> Sequence:
    place = (-1 if position is None else int(position)) % len(sequence)
    return [*sequence[:place], *sequence[place + 1 :]]


@operator("SequenceLength", since=11)
def sequence_length(sequence: Sequence) -> torch.Tensor:
    return torch.tensor(len(sequence))


@operator("ConcatFromSequence", since=11)
def concat_from_sequence(sequence: Sequence, *, axis: int, new_axis: int = 0) -> torch.Tensor:
    return torch.stack(sequence, axis) if new_axis else torch.cat(sequence, axis)


@operator("SplitToSequence", since=11, host=(1,))
def split_to_sequence(x: torch.Tensor, split: torch.Tensor | None = None, *, axis: int = 0, keepdims: int = 1) -> Sequence:
    if split is None:
        return list(x.split(1, axis) if keepdims else x.unbind(axis))
    return list(x.split(split.tolist(), axis))  # a scalar is the size of every piece, a list holds each one's


@operator("SequenceMap", since=17)
def sequence_map(
    sequence: Sequence, *others: Sequence | torch.Tensor, body: Body, run: Callable[..., tuple[Any, ...]]
) -> tuple[Sequence, ...]:
    rows = [run(body, x, *(o[n] if isinstance(o, list) else o for o in others)) for n, x in enumerate(sequence)]
    return tuple([row[n] for row in rows] for n in range(len(body.outputs)))


@operator("Optional", since=15)
def optional(x: Any = None, *, type: Any = None) -> Any:
    return x


@operator("OptionalHasElement", since=15)
def optional_has_element(x: Any = None) -> torch.Tensor:
    return torch.tensor(x is not None)


@operator("OptionalGetElement", since=15)
def optional_get_element(x: Any, *, node: Node) -> Any:
    if x is None:
        raise RunError(f"The node {node.name} (OptionalGetElement, opset {node.opset}) cannot run", "its input holds no value")
    return x
