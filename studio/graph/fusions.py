"""Fusions of standard operators into fewer standard operators. The layer whose weights are kept keeps its name."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from studio.graph.edit import Names, add_initializer, inherit, insert_before, remove, replace_value, store
from studio.graph.shapes import Info, facts
from studio.graph.simplify import Note, array, scalar, standard
from studio.model import LAYER_KEY, Model
from studio.weights import constant

_KERNEL_OPS = ("Conv", "ConvTranspose", "Gemm")
_REWRITTEN = re.compile(r"\b(batch norm|scale|bias) of \S.* folded in\b")
_FLOATS = {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE}


def rewritten_inputs(note: str) -> frozenset[int]:
    """The inputs of a Conv or Gemm that hold other values by what `Fusions` noted of it: its kernel and its bias, or one."""
    words = {found[1] for found in _REWRITTEN.finditer(note)}
    return frozenset((1, 2)) if words & {"batch norm", "scale"} else frozenset((2,) if words else ())


class Fusions:
    """All fusions over one graph that is being edited.

    Args:
        graph: changed in place.
        note: told of every layer that is changed or absorbed.
        left: told of layers that could not be fused, and why.
        infos: the types and shapes of `facts`, if they have been worked out already.
    """

    def __init__(self, graph: ir.Model, note: Note, left: Note, infos: dict[str, Info] | None = None) -> None:
        self.graph, self.note, self.left = graph, note, left
        self.names = Names(graph)
        self.opset = graph.opset_imports.get("", graph.opset_imports.get("ai.onnx", 0))
        self.infos = infos if infos is not None else facts(Model(graph))[0]

    def run(self) -> int:
        """Apply every fusion wherever its pattern stands. Returns how many were made."""
        count = 0
        for op, fuse in self._rules():
            for one in self.graph.graphs():
                for node in list(one):
                    if node.graph is not None and standard(node, op) and fuse(node):
                        count += 1
        return count

    def _rules(self) -> list[tuple[str, Callable[[ir.Node], bool]]]:
        rules: list[tuple[str, Callable[[ir.Node], bool]]] = [
            ("BatchNormalization", self.batch_norm),
            *((op, self.affine) for op in ("Mul", "Div", "Add", "Sub")),
            ("Pad", self.pad),
        ]
        if self.opset >= 6:
            rules += [("Mul", self.hard_swish), ("Div", self.hard_swish)]
        if self.opset >= 17:
            rules.append(("ReduceMean", self.layer_norm))
        if self.opset >= 20:
            rules.append(("Erf", self.gelu))
        return rules

    # Into the kernel before -----------------------------------------------------------------------------------

    def batch_norm(self, node: ir.Node) -> bool:
        """Fold an inference-mode BatchNormalization into the convolution or Gemm before it (arXiv 1712.05877, 3.2)."""
        if node.attributes.get_int("training_mode", 0) or any(o.uses() or o.is_graph_output() for o in node.outputs[1:]):
            self.left(node, "it runs in training mode")
            return False
        if (self.opset < 7 and not node.attributes.get_int("is_test", 0)) or not node.attributes.get_int("spatial", 1):
            self.left(node, "its form of before opset 9 is not one that can be folded")
            return False
        parameters = [array(self.graph, v) for v in node.inputs[1:5]]
        if any(p is None for p in parameters):
            overridable = any(constant(v) is not None for v in node.inputs[1:5])
            why = "are inputs of the model, which a caller may override" if overridable else "are not stored in the model"
            self.left(node, f"its statistics {why}")
            return False
        scale, bias, mean, variance = (np.asarray(p, np.float64) for p in parameters)
        factor = scale / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
        return self._into_kernel(node, 0, factor, bias - mean * factor, "batch norm")

    def affine(self, node: ir.Node) -> bool:
        """Fold a constant per-channel multiplication or addition into the convolution or Gemm before it."""
        sides = (0, 1) if node.op_type in ("Mul", "Add") else (0,)
        for side in sides:
            value = node.inputs[side]
            before = value.producer() if value is not None else None
            if not standard(before, *_KERNEL_OPS):
                continue
            assert before is not None
            operand = array(self.graph, node.inputs[1 - side])
            rank = self._rank(before)
            if operand is None or rank is None or operand.dtype.kind != "f":
                continue
            vector = self._per_channel(operand, rank, before)
            if vector is None:
                continue
            zero, one = np.zeros_like(vector, np.float64), np.ones_like(vector, np.float64)
            with np.errstate(all="ignore"):
                factor = {"Mul": vector, "Div": one / vector}.get(node.op_type, one)
            shift = {"Add": vector, "Sub": -vector}.get(node.op_type, zero)
            words = "scale" if node.op_type in ("Mul", "Div") else "bias"
            return self._into_kernel(node, side, factor, shift, words)
        return False

    def _rank(self, kernel: ir.Node) -> int | None:
        weight = constant(kernel.inputs[1])
        return len(weight.shape) if weight is not None else None

    @staticmethod
    def _per_channel(operand: np.ndarray, rank: int, kernel: ir.Node) -> np.ndarray | None:
        """`operand` as one value, or one per channel of the kernel's output, if that is how it broadcasts."""
        if operand.size == 1 and operand.ndim <= rank:
            return operand.reshape(1).astype(np.float64)
        if operand.ndim > rank:
            return None
        shape = (1,) * (rank - operand.ndim) + operand.shape
        if any(d != 1 for axis, d in enumerate(shape) if axis != 1):
            return None
        return operand.reshape(-1).astype(np.float64)

    def _into_kernel(self, node: ir.Node, side: int, factor: np.ndarray, shift: np.ndarray, words: str) -> bool:
        """Let the kernel before `node` compute factor * y + shift per output channel, and remove `node`."""
        value = node.inputs[side]
        kernel = value.producer() if value is not None else None
        if not standard(kernel, *_KERNEL_OPS):
            if standard(node, "BatchNormalization"):
                self.left(node, "it does not follow a Conv, ConvTranspose or Gemm")
            return False
        assert kernel is not None
        assert value is not None
        name = kernel.meta.get(LAYER_KEY, kernel.op_type)
        if kernel.graph is not node.graph or len(value.uses()) != 1 or value.is_graph_output():
            self.left(node, f"the output of {name} is also read elsewhere")
            return False
        weight = array(self.graph, kernel.inputs[1])
        holder = kernel.inputs[1]
        tensor = constant(holder)
        if weight is None or tensor is None or tensor.dtype not in _FLOATS:
            self.left(node, f"the weights of {name} are not stored as plain numbers")
            return False
        assert holder is not None
        if len(holder.uses()) != 1 or holder.is_graph_output():
            self.left(node, f"the weights of {name} are shared")
            return False
        old = kernel.inputs[2] if len(kernel.inputs) > 2 else None
        bias = array(self.graph, old)
        if old is not None and bias is None:
            self.left(node, f"the bias of {name} is not stored in the model")
            return False
        shape, channels = _channel_shape(kernel, weight.shape)
        if factor.size not in (1, channels) or shift.size not in (1, channels):
            return False
        alpha = kernel.attributes.get_float("alpha", 1.0) if kernel.op_type == "Gemm" else 1.0
        beta = kernel.attributes.get_float("beta", 1.0) if kernel.op_type == "Gemm" else 1.0
        if bias is not None and bias.size != 1 and not bias.size == channels == bias.shape[-1]:
            return False
        new_weight = _scaled(weight, np.broadcast_to(factor, (channels,)), shape)
        new_bias = np.broadcast_to(
            factor * (0 if bias is None else bias.reshape(-1).astype(np.float64) * beta) + shift, (channels,)
        )
        with np.errstate(over="ignore"):
            new_bias = new_bias.astype(weight.dtype)
        if not (np.isfinite(new_weight).all() and np.isfinite(new_bias).all()) or alpha == 0:
            self.left(node, "the folded weights would be out of range")
            return False
        if not (factor == 1).all():
            store(holder, ir.tensor(new_weight, name=holder.name))
        if new_bias.any() or bias is not None:
            self._set_bias(kernel, old, new_bias, name)
        if kernel.op_type == "Gemm" and "beta" in kernel.attributes:
            kernel.attributes["beta"] = ir.AttrFloat32("beta", 1.0)
        if not replace_value(node.outputs[0], value):
            return False
        remove(node)
        self.note(kernel, f"{words} of {node.meta.get(LAYER_KEY, node.op_type)} folded in")
        self.note(node, f"{words} folded into {name}")
        return True

    def _set_bias(self, kernel: ir.Node, old: ir.Value | None, bias: np.ndarray, name: str) -> None:
        if old is not None and len(old.uses()) == 1 and not old.is_graph_output() and old.shape == ir.Shape(bias.shape):
            store(old, ir.tensor(bias, name=old.name))
            return
        value = add_initializer(self.graph.graph, self.names.fresh(f"{name}.bias"), bias)
        if len(kernel.inputs) < 3:
            kernel.resize_inputs(3)
        kernel.replace_input_with(2, value)

    def pad(self, node: ir.Node) -> bool:
        """Let a convolution do the zero padding of the Pad before it."""
        value = node.inputs[0]
        if value is None or node.attributes.get_string("mode", "constant") != "constant" or len(node.outputs[0].uses()) != 1:
            return False
        ((user, index),) = node.outputs[0].uses()
        if not standard(user, "Conv") or index != 0 or user.graph is not node.graph or node.outputs[0].is_graph_output():
            return False
        if user.attributes.get_string("auto_pad", "NOTSET") not in ("NOTSET", "VALID", ""):
            return False
        if len(node.inputs) > 3 and node.inputs[3] is not None:
            return False
        if self.opset < 11:
            pads = np.asarray(node.attributes.get_ints("pads", ()))
            fill: float | None = node.attributes.get_float("value", 0.0)
        else:
            found = array(self.graph, node.inputs[1])
            pads = np.asarray(found if found is not None else ())
            given = node.inputs[2] if len(node.inputs) > 2 else None
            fill = 0.0 if given is None else scalar(self.graph, given)
        rank = len(pads) // 2
        if rank < 3 or fill != 0 or (pads < 0).any() or pads[[0, 1, rank, rank + 1]].any():
            return False
        inner = np.asarray(user.attributes.get_ints("pads", ()) or [0] * (2 * rank - 4))
        if user.attributes.get_string("auto_pad", "NOTSET") == "VALID":
            inner = np.zeros(2 * rank - 4, np.int64)
        user.attributes["pads"] = ir.AttrInt64s("pads", (inner + np.concatenate([pads[2:rank], pads[rank + 2 :]])).tolist())
        user.attributes.pop("auto_pad", None)
        user.replace_input_with(0, value)
        remove(node)
        self.note(user, "explicit padding folded in")
        return True

    # Into one operator ----------------------------------------------------------------------------------------

    def _alone(self, value: ir.Value | None) -> ir.Node | None:
        """The node that reads `value`, if it is the only one, in the same graph, and `value` is no output."""
        if value is None or value.is_graph_output():
            return None
        users = {user for user, _ in value.uses()}
        user = users.pop() if len(users) == 1 else None
        producer = value.producer()
        return user if user is not None and producer is not None and user.graph is producer.graph else None

    def _other(self, node: ir.Node, value: ir.Value | None) -> ir.Value | None:
        """The operand of a two-operand node that is not `value`."""
        if len(node.inputs) != 2:
            return None
        return node.inputs[1] if node.inputs[0] is value else node.inputs[0]

    def _near(self, value: ir.Value | None, number: float) -> bool:
        found = scalar(self.graph, value)
        return found is not None and abs(found - number) <= 1e-3 * abs(number)

    def _replace(
        self, last: ir.Node, gone: list[ir.Node], op: str, inputs: list[ir.Value], attributes: dict, words: str
    ) -> bool:
        """Put one node in the place of a pattern that ends with `last`. `gone` is in graph order, `last` included."""
        out = last.outputs[0]
        new = ir.node(op, inputs, attributes)
        new.outputs[0].name = self.names.fresh(f"{out.name}_{op}")
        new.outputs[0].type, new.outputs[0].shape = out.type, out.shape
        insert_before(last, [new])
        inherit(new, last)
        name = out.name
        if not replace_value(out, new.outputs[0]):
            remove(new)
            return False
        out.name, new.outputs[0].name = None, name
        for node in reversed(gone):
            if not any(o.uses() for o in node.outputs):
                remove(node)
        self.note(new, words)
        return True

    def gelu(self, erf: ir.Node) -> bool:
        """x * 0.5 * (1 + erf(x / sqrt 2)), multiplied in any order, to Gelu (opset 20)."""
        inner = _maker(erf.inputs[0], "Div", "Mul")
        if inner is None:
            return False
        number = 2**0.5 if inner.op_type == "Div" else 0.5**0.5
        side = 0 if inner.op_type == "Mul" and self._near(inner.inputs[0], number) else 1
        x = inner.inputs[1 - side]
        plus = self._alone(erf.outputs[0])
        if x is None or plus is None or not standard(plus, "Add") or not self._near(inner.inputs[side], number):
            return False
        if not self._near(self._other(plus, erf.outputs[0]), 1.0):
            return False
        gone, half, times_x, node = [inner, erf, plus], False, False, plus
        while not (half and times_x):
            value, user = node.outputs[0], self._alone(node.outputs[0])
            if user is None or not standard(user, "Mul"):
                return False
            node, other = user, self._other(user, value)
            maker = _maker(other, "Mul")
            if other is x and not times_x:
                times_x = True
            elif self._near(other, 0.5) and not half:
                half = True
            elif maker is not None and not (half or times_x) and self._alone(other) is node:
                if not any(maker.inputs[i] is x and self._near(maker.inputs[1 - i], 0.5) for i in (0, 1)):
                    return False
                half = times_x = True
                gone.append(maker)
            else:
                return False
            gone.append(node)
        return self._replace(node, gone, "Gelu", [x], {}, "the erf form of GELU replaced by Gelu")

    def hard_swish(self, node: ir.Node) -> bool:
        """x * HardSigmoid(x), or x * min(max(x + 3, 0), 6) / 6, to HardSwish; before opset 14 the second to the first."""
        if node.op_type == "Div":
            product = _maker(node.inputs[0], "Mul")
            if product is None or not self._near(node.inputs[1], 6.0) or self._alone(product.outputs[0]) is not node:
                return False
            for x, gate in (product.inputs, product.inputs[::-1]):
                clip = self._clip(gate, x)
                if clip and x is not None:
                    return self._hard_swish(node, [*clip, product, node], x)
            return False
        for x, gate in (node.inputs, node.inputs[::-1]):
            maker = _maker(gate, "HardSigmoid", "Div", "Mul")
            if x is None or maker is None or self._alone(gate) is not node:
                continue
            if maker.op_type == "HardSigmoid":
                alpha, beta = maker.attributes.get_float("alpha", 0.2), maker.attributes.get_float("beta", 0.5)
                if self.opset >= 14 and maker.inputs[0] is x and abs(alpha - 1 / 6) < 1e-6 and abs(beta - 0.5) < 1e-6:
                    return self._hard_swish(node, [maker, node], x)
                continue
            sixth = self._near(maker.inputs[1], 6.0 if maker.op_type == "Div" else 1 / 6)
            clip = self._clip(maker.inputs[0], x) if sixth else None
            if clip and self._alone(clip[-1].outputs[0]) is maker:
                return self._hard_swish(node, [*clip, maker, node], x)
        return False

    def _hard_swish(self, last: ir.Node, gone: list[ir.Node], x: ir.Value) -> bool:
        if self.opset >= 14:
            return self._replace(last, gone, "HardSwish", [x], {}, "hard swish in one operator")
        gate = ir.node("HardSigmoid", [x], {"alpha": 1 / 6, "beta": 0.5}, name=self.names.fresh(f"{x.name}_HardSigmoid"))
        gate.outputs[0].name = gate.name
        gate.outputs[0].type, gate.outputs[0].shape = x.type, x.shape
        insert_before(last, [gate])
        return self._replace(last, gone, "Mul", [x, gate.outputs[0]], {}, "hard swish in two operators")

    def _clip(self, value: ir.Value | None, x: ir.Value | None) -> list[ir.Node] | None:
        """The nodes of min(max(x + 3, 0), 6) that end in `value`, or None."""
        clip = _maker(value, "Clip")
        if value is None or clip is None or len(value.uses()) != 1:
            return None
        plus = _maker(clip.inputs[0], "Add")
        if self.opset < 11:
            zero_to_six = clip.attributes.get_float("min", -np.inf) == 0 and clip.attributes.get_float("max", np.inf) == 6
        else:
            zero_to_six = len(clip.inputs) == 3 and scalar(self.graph, clip.inputs[1]) == 0 and self._near(clip.inputs[2], 6.0)
        if not zero_to_six or plus is None:
            return None
        if self._alone(plus.outputs[0]) is not clip:
            return None
        other = self._other(plus, x)
        return [plus, clip] if x in plus.inputs and self._near(other, 3.0) else None

    def layer_norm(self, mean: ir.Node) -> bool:
        """(x - mean) / sqrt(var + eps) * scale + bias over the last axes to LayerNormalization (opset 17), float32 only."""
        x = mean.inputs[0]
        axes = self._axes(mean)
        info = self.infos.get(x.name or "", Info("", None)) if x is not None else Info("", None)
        if x is None or axes is None or info.shape is None or info.dtype != "float32":
            return False
        rank = len(info.shape)
        axes = sorted(a % rank for a in axes)
        if not axes or axes != list(range(axes[0], rank)):
            return False
        sub = self._alone(mean.outputs[0])
        if sub is None or not standard(sub, "Sub") or sub.inputs[0] is not x:
            return False
        deviation = sub.outputs[0]
        users = {user for user, _ in deviation.uses()}
        divisions = [u for u in users if standard(u, "Div") and u.inputs[0] is deviation]
        squares = [u for u in users if u not in divisions]
        if len(divisions) != 1 or len(squares) != 1 or deviation.is_graph_output():
            return False
        square, division = squares[0], divisions[0]
        squared = (standard(square, "Pow") and self._near(square.inputs[1], 2.0)) or (
            standard(square, "Mul") and square.inputs[0] is square.inputs[1] is deviation
        )
        variance = self._alone(square.outputs[0])
        if not squared or variance is None or not standard(variance, "ReduceMean"):
            return False
        if sorted(a % rank for a in self._axes(variance) or ()) != axes:
            return False
        plus = self._alone(variance.outputs[0])
        if plus is None or not standard(plus, "Add"):
            return False
        epsilon = scalar(self.graph, self._other(plus, variance.outputs[0]))
        root = self._alone(plus.outputs[0])
        if epsilon is None or root is None or not standard(root, "Sqrt") or self._alone(root.outputs[0]) is not division:
            return False
        if division.inputs[1] is not root.outputs[0]:
            return False
        times = self._alone(division.outputs[0])
        scale = self._vector(times, "Mul", division.outputs[0], info.shape[axes[0] :])
        if times is None or scale is None:
            return False
        gone = [mean, sub, square, variance, plus, root, division, times]
        add = self._alone(times.outputs[0])
        bias = self._vector(add, "Add", times.outputs[0], info.shape[axes[0] :])
        inputs, last = [x, scale], times
        if add is not None and bias is not None:
            inputs, last = [x, scale, bias], add
            gone.append(add)
        attributes = {"axis": axes[0] - rank, "epsilon": epsilon}
        if not self._replace(last, gone, "LayerNormalization", inputs, attributes, "layer norm in one operator"):
            return False
        if last is not times:
            self.note(times, f"merged into {last.meta.get(LAYER_KEY, last.op_type)}")
        return True

    def _axes(self, node: ir.Node) -> list[int] | None:
        """Axes a ReduceMean with kept axes reduces, if they are constant."""
        if not node.attributes.get_int("keepdims", 1):
            return None
        if len(node.inputs) > 1:
            found = array(self.graph, node.inputs[1])
            return None if found is None else [int(a) for a in found.reshape(-1)]
        return list(node.attributes.get_ints("axes", ())) or None

    def _vector(self, node: ir.Node | None, op: str, value: ir.Value, shape: tuple) -> ir.Value | None:
        """The constant of this shape that `node` combines with `value`, or None."""
        if node is None or not standard(node, op):
            return None
        other = self._other(node, value)
        found = array(self.graph, other)
        return other if found is not None and found.shape == shape and found.dtype == np.float32 else None


def _maker(value: ir.Value | None, *ops: str) -> ir.Node | None:
    """The node that makes `value`, if it is one of these standard operators."""
    node = value.producer() if value is not None else None
    return node if standard(node, *ops) else None


def _channel_shape(kernel: ir.Node, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """(shape in which one factor per output channel multiplies the weight, number of output channels).

    The weight of a grouped ConvTranspose, [in, out / groups, ...], is to be viewed as [groups, in / groups, out / groups, ...].
    """
    if kernel.op_type == "Conv":
        return (shape[0], *(1,) * (len(shape) - 1)), shape[0]
    if kernel.op_type == "Gemm":
        return ((shape[0], 1), shape[0]) if kernel.attributes.get_int("transB", 0) else ((1, shape[1]), shape[1])
    groups = kernel.attributes.get_int("group", 1)
    return (groups, 1, shape[1], *(1,) * (len(shape) - 2)), shape[1] * groups


def _scaled(weight: np.ndarray, factor: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`weight` times `factor` in the given shape, computed in float64 in pieces and stored in the weight's type."""
    view = weight.reshape(shape[0], -1, *weight.shape[1:]) if len(shape) > weight.ndim else weight
    new = np.empty_like(view)
    with np.errstate(over="ignore"):
        np.multiply(view, factor.reshape(shape), out=new, dtype=np.float64, casting="same_kind")
    return new.reshape(weight.shape)
