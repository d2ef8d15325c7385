"""Colors of the boxes by a figure of their layers, with the legend that says what the colors mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from studio.gui.theme import CIVIDIS, OKABE_ITO, Colors
from studio.gui.words import tr
from studio.service.layout import GROUP, INPUT, OUTPUT, Drawing

STEPS = 64  # of the scale for amounts
_TINT = {False: 0.30, True: 0.42}  # how much of a category's color is mixed into the panel, by dark theme

#: Families of operators: quiet colors that tell at a glance where the weights are.
_FAMILIES = {
    "weights": """Conv ConvTranspose Gemm MatMul Gather LSTM GRU RNN Einsum ConvInteger MatMulInteger QLinearConv QLinearMatMul
        MatMulNBits GatherBlockQuantized DynamicQuantizeMatMul MatMulIntegerToFloat DynamicQuantizeLSTM FusedMatMul FusedConv
        FusedGemm QGemm Attention MultiHeadAttention QAttention EmbedLayerNormalization QEmbedLayerNormalization""",
    "normalization": """BatchNormalization LayerNormalization InstanceNormalization GroupNormalization RMSNormalization
        LpNormalization SkipLayerNormalization SimplifiedLayerNormalization SkipSimplifiedLayerNormalization LRN""",
    "activation": """Relu LeakyRelu PRelu Elu Selu Celu Gelu FastGelu BiasGelu QuickGelu Sigmoid HardSigmoid HardSwish Swish
        Tanh Softmax LogSoftmax Softplus Softsign Mish Clip Erf ThresholdedRelu""",
    "shape": """Reshape Transpose Flatten Squeeze Unsqueeze Concat Split Slice Shape Size Expand Tile Pad Cast CastLike Identity
        GatherElements GatherND ScatterND ScatterElements Resize Upsample DepthToSpace SpaceToDepth Range ConstantOfShape
        Constant""",
    "pooling": """MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd
        ReduceL2 ReduceL1 ArgMax ArgMin TopK CumSum""",
    "quantization": "QuantizeLinear DequantizeLinear DynamicQuantizeLinear",
}
_FAMILY = {op: family for family, ops in _FAMILIES.items() for op in ops.split()}
_FAMILY_COLORS = {
    "weights": "#0072B2", "normalization": "#8E6BBF", "activation": "#009E73", "shape": "#8A8A8A", "pooling": "#C98A00",
    "quantization": "#C0568F", "other": "#5F8A9A", "ends": "#5d6b7a",
}  # fmt: skip


@dataclass(frozen=True)
class Legend:
    """What the colors mean: `entries` are (name, color); for amounts, `low` and `high` are the ends of the scale as text."""

    title: str
    entries: tuple[tuple[str, str], ...] = ()
    low: str = ""
    high: str = ""

    def text(self) -> str:
        """The legend as one line, for a screen reader."""
        scale = [f"{self.low} – {self.high}"] if self.low else []
        return f"{self.title}: {', '.join(scale + [name for name, _ in self.entries])}"


@dataclass(frozen=True)
class Overlay:
    """A fill for every box: `index` int32[n] into `fills`; `inks` are the text colors on them.

    `marks` are stronger colors for boxes that are seen as dots. `values` gives the text of a box.
    """

    index: NDArray[np.int32]
    fills: tuple[str, ...]
    inks: tuple[str, ...]
    marks: tuple[str, ...]
    legend: Legend
    values: Callable[[int], str] = field(default=lambda box: "")


def by_operator(drawing: Drawing, colors: Colors) -> Overlay:
    """Families of operators, each with a quiet tint."""
    names = _family_names()
    families = tuple(names)
    index = np.array([_family_index(drawing, box, families) for box in range(len(drawing.names))], np.int32)
    tints = [mixed(_FAMILY_COLORS[family], colors.panel, _TINT[colors.dark]) for family in families]
    fills = (*tints, colors.raised)
    index[index < 0] = len(families)
    present = [i for i in range(len(families)) if (index == i).any()]
    entries = tuple((names[families[i]], fills[i]) for i in present)
    if (index == len(families)).any():
        entries += ((tr("Closed group"), colors.raised),)
    marks = (*(mixed(_FAMILY_COLORS[family], colors.panel, 0.7) for family in families), _plain(colors))
    return Overlay(index, fills, _inks(fills, colors), marks, Legend(tr("Operator"), entries))


def fill_of(op: str, weighted: bool, colors: Colors) -> str:
    """The fill that `by_operator` gives a box of one operator."""
    op = op.rsplit(".", 1)[-1]
    family = "shape" if op == "Gather" and not weighted else _FAMILY.get(op, "other")
    return mixed(_FAMILY_COLORS[family], colors.panel, _TINT[colors.dark])


def by_category(drawing: Drawing, values: Sequence[str], title: str, colors: Colors, none: str, several: str) -> Overlay:
    """A color for each text in `values`, one per layer; an empty text has no color.

    `none` and `several` are what the legend calls boxes without a text and with different ones.
    """
    kinds = sorted(set(filter(None, values)))
    number = {kind: i for i, kind in enumerate(kinds)}
    of_layer = np.array([number.get(value, -1) for value in values], np.int32)
    index = np.full(len(drawing.names), -1, np.int32)
    mixed_boxes = set()
    for box, kind in zip(drawing.layers.tolist(), of_layer.tolist(), strict=True):
        if box < 0 or kind < 0:
            continue
        if index[box] >= 0 and index[box] != kind:
            mixed_boxes.add(box)
        index[box] = kind
    hues = [mixed(color, colors.panel, _TINT[colors.dark] + 0.15) for color in islice(cycle(OKABE_ITO), len(kinds))]
    marks = (*islice(cycle(OKABE_ITO), len(kinds)), colors.text, _plain(colors))
    fills = (*hues, colors.hairline, colors.raised)
    index[list(mixed_boxes)] = len(kinds)
    index[index < 0] = len(kinds) + 1
    entries = [(kind, hues[i]) for i, kind in enumerate(kinds)]
    if mixed_boxes:
        entries.append((several, colors.hairline))
    if (index > len(kinds)).any():
        entries.append((none, colors.raised))
    texts = {**dict(enumerate(kinds)), len(kinds): several}
    return Overlay(
        index, fills, _inks(fills, colors), marks, Legend(title, tuple(entries)), lambda box: texts.get(int(index[box]), "")
    )


def by_amount(
    drawing: Drawing,
    values: NDArray[np.float64],
    title: str,
    colors: Colors,
    show: Callable[[float], str],
    weights: NDArray[np.float64] | None = None,
) -> Overlay:
    """A scale from the least to the most; NaN has no color.

    Args:
        values: one per layer.
        show: a value with its unit.
        weights: boxes of several layers show the mean with these weights; without them the sum.
    """
    known = (drawing.layers >= 0) & np.isfinite(values)
    boxes, found, n = drawing.layers[known], values[known], len(drawing.names)
    if weights is None:
        amount = np.bincount(boxes, found, n)
    else:
        total = np.bincount(boxes, weights[known], n)
        amount = np.divide(np.bincount(boxes, found * weights[known], n), total, out=np.zeros(n), where=total > 0)
    has = np.bincount(boxes, minlength=n) > 0
    low, high = (float(amount[has].min()), float(amount[has].max())) if has.any() else (0.0, 0.0)
    place = (amount - low) / (high - low) if high > low else np.full(n, 0.5)
    index = np.where(has, np.clip(np.round(place * (STEPS - 1)), 0, STEPS - 1), STEPS).astype(np.int32)
    fills = (*scale(), colors.raised)
    if has.any():
        legend = Legend(title, () if has.all() else ((tr("No weights"), colors.raised),), show(low), show(high))
    else:
        legend = Legend(title, ((tr("Not known yet"), colors.raised),))
    marks = (*scale(), _plain(colors))
    return Overlay(index, fills, _inks(fills, colors), marks, legend, lambda box: show(float(amount[box])) if has[box] else "")


@cache
def scale() -> tuple[str, ...]:
    """`STEPS` colors of cividis."""
    stops = np.array([_parts(c) for c in CIVIDIS], float)
    at = np.linspace(0, len(stops) - 1, STEPS)
    parts = np.stack([np.interp(at, np.arange(len(stops)), stops[:, i]) for i in range(3)], 1).round().astype(int)
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in parts)


def mixed(color: str, base: str, share: float) -> str:
    """`share` of `color` over `base`."""
    parts = (round(share * x + (1 - share) * y) for x, y in zip(_parts(color), _parts(base), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _parts(color: str) -> tuple[int, int, int]:
    one = QColor(color)
    return one.red(), one.green(), one.blue()


def ink(fill: str, colors: Colors) -> str:
    """The text color of the theme if it can be read on `fill`, else black or white, whichever can be read better."""
    if contrast(colors.text, fill) >= 4.5:
        return colors.text
    return max(("#000000", "#ffffff"), key=lambda color: contrast(color, fill))


def _inks(fills: Sequence[str], colors: Colors) -> tuple[str, ...]:
    return tuple(ink(fill, colors) for fill in fills)


def _plain(colors: Colors) -> str:
    """The dot of a box without a color of its own."""
    return mixed(colors.muted, colors.panel, 0.45)


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colors, 1..21 (WCAG 2)."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    parts = (c / 255 for c in _parts(color))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _family_names() -> dict[str, str]:
    return {
        "weights": tr("Convolution, linear, embedding"),
        "normalization": tr("Normalization"),
        "activation": tr("Activation"),
        "pooling": tr("Pooling, reduction"),
        "shape": tr("Shape"),
        "quantization": tr("Quantization"),
        "other": tr("Other operators"),
        "ends": tr("Inputs and outputs"),
    }


def _family_index(drawing: Drawing, box: int, families: tuple[str, ...]) -> int:
    kind = drawing.kinds[box]
    if kind == GROUP:
        return -1
    if kind in (INPUT, OUTPUT):
        return families.index("ends")
    op = drawing.labels[box].rsplit(".", 1)[-1]
    if op == "Gather" and not drawing.shapes[box]:
        return families.index("shape")
    return families.index(_FAMILY.get(op, "other"))
