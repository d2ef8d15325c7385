"""Recurrent layers: torch's fused kernels where they compute the same, else one step after the other.

ONNX stacks the gates of an LSTM as input, output, forget, cell (torch: input, forget, cell, output) and those of a GRU as
update, reset, hidden (torch: reset, update, hidden). Behind the end of a shorter sequence outputs are zero and the state
stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from studio.twin.operators import Node, operator
from studio.twin.operators.activations import fused_activation

Activation = Callable[[torch.Tensor], torch.Tensor]

#: Order of torch's gates among those of ONNX.
_LSTM_ORDER, _GRU_ORDER = (0, 2, 3, 1), (1, 0, 2)


@operator("LSTM", host=(4,))
def lstm(
    x: torch.Tensor,
    w: torch.Tensor,
    r: torch.Tensor,
    b: torch.Tensor | None = None,
    lengths: torch.Tensor | None = None,
    h: torch.Tensor | None = None,
    c: torch.Tensor | None = None,
    p: torch.Tensor | None = None,
    *,
    activations: Sequence[str] = (),
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    input_forget: int = 0,
    layout: int = 0,
    output_sequence: int = 0,
    rounding: Activation | None = None,
    node: Node,
) -> tuple[torch.Tensor, ...]:
    """`rounding`, no attribute, is what input and state go through before they meet a matrix."""
    used = _activations(activations or ["Sigmoid", "Tanh", "Tanh"] * len(w), activation_alpha, activation_beta, node)
    x, states = _sequence_first(x, (h, c), w, r, layout)
    ends = _ends(lengths, x)
    usual = not clip and p is None and not input_forget and _all(activations, ("sigmoid", "tanh", "tanh"))
    if usual and ends is None and rounding is None:
        return _fused(torch._VF.lstm, x, states, w, r, b, _LSTM_ORDER, direction, layout)
    rounding = rounding or _unchanged

    def gates(side: int) -> _Step:
        f, g, out = used[3 * side : 3 * side + 3]
        peep = (None,) * 3 if p is None else p[side].chunk(3)  # of input, output, forget

        def step(inner: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            hidden, cell = state
            i, o, forget, new = (inner + rounding(hidden) @ r[side].mT).chunk(4, -1)
            if peep[0] is not None:
                i, forget = i + peep[0] * cell, forget + peep[2] * cell
            i = f(_clipped(i, clip))
            keep = 1 - i if input_forget else f(_clipped(forget, clip))
            cell = keep * cell + i * g(_clipped(new, clip))
            if peep[1] is not None:
                o = o + peep[1] * cell
            return f(_clipped(o, clip)) * out(cell), cell

        return step

    bias = None if b is None else torch.add(*b.chunk(2, -1))
    return _stepped(rounding(x), states, w, bias, ends, direction, layout, gates)


@operator("GRU", host=(4,))
def gru(
    x: torch.Tensor,
    w: torch.Tensor,
    r: torch.Tensor,
    b: torch.Tensor | None = None,
    lengths: torch.Tensor | None = None,
    h: torch.Tensor | None = None,
    *,
    activations: Sequence[str] = (),
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    linear_before_reset: int = 0,
    output_sequence: int = 0,
    node: Node,
) -> tuple[torch.Tensor, ...]:
    used = _activations(activations or ["Sigmoid", "Tanh"] * len(w), activation_alpha, activation_beta, node)
    x, states = _sequence_first(x, (h,), w, r, layout)
    ends = _ends(lengths, x)
    if not clip and linear_before_reset and ends is None and _all(activations, ("sigmoid", "tanh")):
        return _fused(torch._VF.gru, x, states, w, r, b, _GRU_ORDER, direction, layout)
    outer, inner_bias = (None, None) if b is None else b.chunk(2, -1)

    def gates(side: int) -> _Step:
        f, g = used[2 * side : 2 * side + 2]
        both, last = r[side].split([2 * r.shape[-1], r.shape[-1]])
        bias = x.new_zeros(3 * r.shape[-1]) if inner_bias is None else inner_bias[side]
        bias_both, bias_last = bias.split([2 * r.shape[-1], r.shape[-1]])

        def step(inner: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            (hidden,) = state
            first, new = inner.split([2 * r.shape[-1], r.shape[-1]], -1)
            update, reset = f(_clipped(first + hidden @ both.mT + bias_both, clip)).chunk(2, -1)
            if linear_before_reset:
                new = new + reset * (hidden @ last.mT + bias_last)
            else:
                new = new + (reset * hidden) @ last.mT + bias_last
            return ((1 - update) * g(_clipped(new, clip)) + update * hidden,)

        return step

    return _stepped(x, states, w, outer, ends, direction, layout, gates)


@operator("RNN", host=(4,))
def rnn(
    x: torch.Tensor,
    w: torch.Tensor,
    r: torch.Tensor,
    b: torch.Tensor | None = None,
    lengths: torch.Tensor | None = None,
    h: torch.Tensor | None = None,
    *,
    activations: Sequence[str] = ("Tanh", "Tanh"),
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    output_sequence: int = 0,
    node: Node,
) -> tuple[torch.Tensor, ...]:
    used = _activations(activations, activation_alpha, activation_beta, node)
    x, states = _sequence_first(x, (h,), w, r, layout)
    ends = _ends(lengths, x)
    if not clip and ends is None:
        for name, kernel in (("tanh", torch._VF.rnn_tanh), ("relu", torch._VF.rnn_relu)):
            if _all(activations[: len(w)], (name,)):
                return _fused(kernel, x, states, w, r, b, (0,), direction, layout)

    def gates(side: int) -> _Step:
        return lambda inner, state: (used[side](_clipped(inner + state[0] @ r[side].mT, clip)),)

    bias = None if b is None else torch.add(*b.chunk(2, -1))
    return _stepped(x, states, w, bias, ends, direction, layout, gates)


_Step = Callable[[torch.Tensor, tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]]


def _activations(names: Sequence[str], alphas: Sequence[float], betas: Sequence[float], node: Node) -> list[Activation]:
    """The functions of all directions; each takes the next alpha and beta of the lists if it has such."""
    values = iter(alphas), iter(betas)
    found: list[Activation] = []
    for name in names:
        function, defaults = fused_activation(name, node)
        given = [next(source, default) for source, default in zip(values, defaults, strict=False)]
        found.append(_with(function, given) if given else function)
    return found


def _with(function: Callable[..., torch.Tensor], given: list[float]) -> Activation:
    return lambda x: function(x, *given)


def _all(names: Sequence[str], usual: tuple[str, ...]) -> bool:
    """Whether every direction has the usual activations."""
    return all(name.lower() == usual[n % len(usual)] for n, name in enumerate(names))


def _unchanged(x: torch.Tensor) -> torch.Tensor:
    return x


def _clipped(x: torch.Tensor, clip: float) -> torch.Tensor:
    return x.clamp(-clip, clip) if clip else x


def _sequence_first(
    x: torch.Tensor, states: Sequence[torch.Tensor | None], w: torch.Tensor, r: torch.Tensor, layout: int
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Input as (sequence, batch, features) and states as (directions, batch, hidden), zero where they are not given."""
    x = x.transpose(0, 1) if layout else x
    zeros = x.new_zeros(len(w), x.shape[1], r.shape[-1])
    return x, [zeros if s is None else s.transpose(0, 1) if layout else s for s in states]


def _ends(lengths: torch.Tensor | None, x: torch.Tensor) -> torch.Tensor | None:
    """Lengths of the sequences on the device of `x`; None where all are full."""
    if lengths is None or all(one == len(x) for one in lengths.tolist()):
        return None
    return lengths.to(x.device)


def _fused(
    kernel: Callable[..., Any],
    x: torch.Tensor,
    states: list[torch.Tensor],
    w: torch.Tensor,
    r: torch.Tensor,
    b: torch.Tensor | None,
    order: tuple[int, ...],
    direction: str,
    layout: int,
) -> tuple[torch.Tensor, ...]:
    def ordered(gates: torch.Tensor) -> torch.Tensor:
        parts = gates.chunk(len(order))
        return torch.cat([parts[n] for n in order]) if len(order) > 1 else gates

    flat: list[torch.Tensor] = []
    for side in range(len(w)):
        flat += [ordered(w[side]), ordered(r[side])]
        if b is not None:
            flat += [ordered(half) for half in b[side].chunk(2)]
    back = direction == "reverse"
    start = [s.contiguous() for s in states]
    train = torch.is_grad_enabled()  # cuDNN goes back only through what it computed for training
    results = kernel(
        x.flip(0) if back else x, tuple(start) if len(start) > 1 else start[0],
        flat, b is not None, 1, 0.0, train, len(w) == 2, False,
    )  # fmt: skip
    y = results[0].unflatten(-1, (len(w), -1)).transpose(1, 2)
    return _laid_out(y.flip(0) if back else y, results[1:], layout)


def _stepped(
    x: torch.Tensor,
    states: list[torch.Tensor],
    w: torch.Tensor,
    bias: torch.Tensor | None,
    ends: torch.Tensor | None,
    direction: str,
    layout: int,
    gates: Callable[[int], _Step],
) -> tuple[torch.Tensor, ...]:
    outputs, finals = [], []
    for side in range(len(w)):
        inner = F.linear(x, w[side], None if bias is None else bias[side])
        step, state = gates(side), tuple(s[side] for s in states)
        back = direction == "reverse" or side == 1
        rows: list[torch.Tensor] = []
        for t in reversed(range(len(x))) if back else range(len(x)):
            new = step(inner[t], state)
            row = new[0]
            if ends is not None:
                there = (t < ends)[:, None]
                row = torch.where(there, row, 0)
                new = tuple(torch.where(there, one, before) for one, before in zip(new, state, strict=True))
            state = new
            rows.append(row)
        outputs.append(torch.stack(rows[::-1] if back else rows))
        finals.append(state)
    return _laid_out(torch.stack(outputs, 1), [torch.stack(column) for column in zip(*finals, strict=True)], layout)


def _laid_out(y: torch.Tensor, states: Sequence[torch.Tensor], layout: int) -> tuple[torch.Tensor, ...]:
    """(sequence, directions, batch, hidden) and (directions, batch, hidden) each; with layout 1 the batch comes first."""
    if not layout:
        return (y, *states)
    return (y.permute(2, 0, 1, 3), *(s.transpose(0, 1) for s in states))
