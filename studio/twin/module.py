"""Twin: an ONNX graph as one torch module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn

from studio.model import Model
from studio.twin.grids import grids_of
from studio.twin.operators import Mode, failed
from studio.twin.plan import Body, Step, plan
from studio.twin.stored import Stored
from studio.twin.storing import stored_of
from studio.twin.tensors import devices_of, meeting, moved, to_torch
from studio.twin.types import Types

#: What torch, and Python where an operator computes sizes, raise on values that do not fit.
_REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Division(Protocol):
    """How a parameter of which this process holds only a part becomes whole; all processes that hold parts ask together.

    Attributes:
        shape: of the whole parameter.
    """

    shape: torch.Size

    def whole(self, part: torch.Tensor) -> torch.Tensor:
        """The whole of what every process holds a part of; gradients go back to the parts."""

    def part(self, whole: torch.Tensor) -> torch.Tensor:
        """What this process holds of `whole`; a copy."""


class Twin(nn.Module):
    """An ONNX graph as one differentiable module; its parameters are the graph's weights by the name of the stored tensor.

    Every learned tensor of the chosen layers is a parameter, wherever an exporter put it (initializer or Constant node,
    float or quantized); everything else is a constant. The model itself is never changed: `studio.twin.back.with_weights`
    makes a new one.

    Args:
        model: what to make a twin of.
        layers: names of the layers whose weights are trained; None for all.
        inputs: names of values to start from; None for the graph's inputs.
        outputs: names of values to compute; None for the graph's outputs.
        exact: carry every value in the type the graph declares, as a runtime does, instead of in one that trains well.

    Attributes:
        stored: how each parameter's values and the stored tensor become one another, by name.
        grids: which scales and zero points quantize what; see `ranges`.
        divisions: how parameters that are divided among processes become whole, by name; see `divide`.
        inputs, outputs: names of what `forward` takes and returns.

    Raises:
        RunError: an operator is missing; says its name, node and opset.
    """

    def __init__(
        self,
        model: Model,
        *,
        layers: Iterable[str] | None = None,
        inputs: Iterable[str] | None = None,
        outputs: Iterable[str] | None = None,
        exact: bool = False,
    ) -> None:
        super().__init__()
        inputs = tuple(inputs) if inputs is not None else tuple(port.name for port in model.inputs)
        outputs = tuple(outputs) if outputs is not None else tuple(port.name for port in model.outputs)
        self.types, self.mode = Types(exact), Mode()
        self.plan = plan(model, self.types, self.mode, inputs, outputs)
        self.inputs, self.outputs = inputs, outputs
        self.stored: dict[str, Stored] = {}
        self.masks: dict[str, torch.Tensor] = {}
        self.divisions: dict[str, Division] = {}
        self._slots: dict[str, int] = {}  # of parameters
        self._steps = {step.node.name: step for step in self.plan.body.steps}
        self._host: dict[int, torch.Tensor] = {}
        self._constants: dict[int, str] = {}
        self.grids = grids_of(model, self.plan)
        chosen = stored_of(model, self.plan, None if layers is None else set(layers))
        ranges = {name for grid in self.grids for name in (grid.scale, grid.zero_point)}
        ranges |= {name for codec in chosen.values() for name in codec.beside}
        self._ranges: dict[str, str] = {}
        for slot, (name, tensor) in self.plan.constants.items():
            if slot in self.plan.statistics:
                stored = Stored(name, tensor)
                self.stored[name], self._slots[name] = stored, slot
                self.register_buffer(f"s{slot}", stored.latent())
            elif name in ranges:
                self._constants[slot] = self._ranges[name] = f"c{slot}"
                self.register_buffer(f"c{slot}", to_torch(tensor, self.types).clone())
            elif slot in chosen:
                self.stored[name], self._slots[name] = chosen[slot], slot
            elif slot in self.plan.host:
                self._host[slot] = to_torch(tensor, self.types)
            else:
                self._constants[slot] = f"c{slot}"
                self.register_buffer(f"c{slot}", to_torch(tensor, self.types), persistent=False)
        for name, slot in self._slots.items():
            if slot not in self.plan.statistics:
                self.register_parameter(f"w{slot}", nn.Parameter(self.stored[name].latent(*self.beside(name))))
        self._needed = {slot: name for name, slot in self._slots.items()}
        needed = {slot for step in self.plan.body.steps for slot in step.needs}
        self._returned = {name: slot for name, slot in self._slots.items() if slot not in needed}

    def weights(self) -> dict[str, nn.Parameter]:
        """The parameters by the name of their stored tensor; of those that are divided among processes the own parts."""
        return {name: getattr(self, f"w{slot}") for name, slot in self._slots.items() if slot not in self.plan.statistics}

    def statistics(self) -> dict[str, torch.Tensor]:
        """Running means and variances of BatchNormalization by the name of their stored tensor."""
        return {name: getattr(self, f"s{slot}") for name, slot in self._slots.items() if slot in self.plan.statistics}

    def ranges(self) -> dict[str, torch.Tensor]:
        """Scales and zero points of quantization by the name of their stored tensor; to be changed by `copy_`.

        `grids` tells what each is for. `studio.twin.back.with_weights` stores them with the weights.
        """
        return {name: getattr(self, buffer) for name, buffer in self._ranges.items()}

    def divide(self, divisions: Mapping[str, Division]) -> None:
        """Keep only a part of these parameters from now on, and gather each when a step first reads it."""
        weights = self.weights()
        for name, division in divisions.items():
            self._place(name, division.part(weights[name].detach()))
        self.divisions |= divisions

    def unite(self) -> None:
        """Hold all parameters and masks as a whole again, in the memory of the CPU."""
        weights = self.weights()
        for name, division in self.divisions.items():
            self._place(name, division.whole(weights[name].detach()).cpu())
            if name in self.masks:
                self.masks[name] = division.whole(self.masks[name]).cpu()
        self.divisions.clear()

    def _place(self, name: str, values: torch.Tensor) -> None:
        key = f"w{self._slots[name]}"
        setattr(self, key, nn.Parameter(values, requires_grad=getattr(self, key).requires_grad))

    def shape(self, name: str) -> torch.Size:
        """The shape of a whole parameter."""
        return self.divisions[name].shape if name in self.divisions else self.weights()[name].shape

    def whole(self, name: str) -> torch.Tensor:
        """The present values of a whole parameter, masked, without gradients. Processes that hold parts ask together."""
        with torch.no_grad():
            return self._masked(name, self.weights()[name].detach())

    def part(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        """What this process holds of a tensor that is laid out as a whole parameter is."""
        return self.divisions[name].part(whole) if name in self.divisions else whole

    def train(self, mode: bool = True) -> Twin:
        """Turn Dropout on or off. Batch statistics are used only while `mode.statistics` is set as well."""
        self.mode.training = mode
        super().train(mode)
        return self

    def insert(self, layer: str, after: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Apply `after` to the first output of a layer from now on; a module becomes part of this one.

        Raises:
            KeyError: there is no such node in the main graph.
        """
        self.remove(layer)
        step = self._steps[layer]
        if isinstance(after, nn.Module):
            self.add_module(f"after{step.outputs[0]}", after)
        step.after = after

    def remove(self, layer: str) -> None:
        """Take away what `insert` put behind a layer."""
        step = self._steps[layer]
        self._modules.pop(f"after{step.outputs[0]}", None)
        step.after = None

    def forward(self, feeds: Mapping[str, torch.Tensor], keep: Iterable[str] = ()) -> dict[str, torch.Tensor]:
        """Compute the outputs, and the values of the main graph named in `keep`, from tensors by input name.

        Raises:
            KeyError: an input is missing, or a value to keep is not computed.
            RunError: an operator cannot take the values that came to it: an index beyond a table, shapes that do not fit.
        """
        kept = {name: self.plan.numbers[name] for name in keep}
        env: list[Any] = [None] * self.plan.slots
        for slot, value in self._host.items():
            env[slot] = value
        for slot, name in self._constants.items():
            env[slot] = getattr(self, name)
        for name, slot in self._returned.items():
            env[slot] = self._read(name, slot)
        values = [feeds[name] for name in self.inputs]
        widened = [self._feed(value) for value in values]
        results = self._run(env, frozenset(kept.values()), self.plan.body, *widened)
        found = dict(zip(self.outputs, results, strict=True))
        return found | {name: env[slot] for name, slot in kept.items()}

    def _apply(self, *args: Any, **options: Any) -> Twin:
        super()._apply(*args, **options)
        weights = self.weights()
        self.masks = {name: mask.to(weights[name].device) for name, mask in self.masks.items()}
        return self

    def _read(self, name: str, slot: int) -> torch.Tensor:
        """What the graph reads of a parameter."""
        if slot in self.plan.statistics:
            return getattr(self, f"s{slot}")
        latent = self._masked(name, getattr(self, f"w{slot}"))
        return self.stored[name].read(latent, self.types, *self.beside(name))

    def _masked(self, name: str, latent: torch.Tensor) -> torch.Tensor:
        """The whole of a parameter, masked."""
        mask = self.masks.get(name)
        masked = latent if mask is None else latent * mask
        return self.divisions[name].whole(masked) if name in self.divisions else masked

    def beside(self, name: str) -> list[torch.Tensor]:
        """The present scales and zero point of the grid that a parameter is stored on; none for a float."""
        return [getattr(self, self._ranges[one]) for one in self.stored[name].beside]

    def _feed(self, value: torch.Tensor) -> torch.Tensor:
        narrow = value.dtype in (torch.float16, torch.bfloat16) and not self.types.exact
        return value.float() if narrow else value

    def _run(self, env: list[Any], kept: frozenset[int], body: Body, *inputs: Any) -> tuple[Any, ...]:
        for slot, value in zip(body.inputs, inputs, strict=True):
            env[slot] = value
        step = None
        try:
            for step in body.steps:
                for slot in step.needs:
                    if slot in self._needed:
                        env[slot] = self._read(self._needed[slot], slot)
                arguments = [env[slot] if slot >= 0 else None for slot in step.inputs]
                results = self._call(step, arguments, env, kept)
                if type(results) is not tuple:
                    results = (results,)
                if step.after is not None:
                    results = (step.after(results[0]), *results[1:])
                for slot, value in zip(step.outputs, results, strict=False):
                    if slot >= 0:
                        env[slot] = value
                for slot in step.frees:
                    if slot not in kept:
                        env[slot] = None
        except _REFUSALS as error:
            assert step is not None
            raise failed(step.node, error) from error
        return tuple(env[slot] if slot >= 0 else None for slot in body.outputs)

    def _call(self, step: Step, arguments: list[Any], env: list[Any], kept: frozenset[int]) -> Any:
        devices = devices_of(arguments)
        if len(devices) > 1:  # values that steer operators stay on the CPU until something else reads them
            target = torch.device("cpu") if step.steers else meeting(devices)
            arguments = [
                moved(one, target) if step.steers or place not in step.host else one for place, one in enumerate(arguments)
            ]
        if step.scoped:
            return step.function(*arguments, run=partial(self._run, env, kept))
        return step.function(*arguments)
