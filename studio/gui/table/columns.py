"""The columns of the layer table: what each shows, how it sorts, and what it says when pointed at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.figures import count_text, percent_text, size_text
from studio.gui.table.facts import Facts
from studio.gui.words import tr

UNKNOWN = "–"
Kind = Literal["name", "text", "shape", "number", "share", "weights"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: its name in settings and filters.
        title, hint: of its header.
        kind: how it is drawn; amounts are sorted from the largest at the first click.
        width: in pixels, until the user chooses another.
        text: of one row.
        values: what is sorted, float64[n], NaN where it is unknown; these come last either way.
        tip: of one row; empty for none.
    """

    key: str
    title: str
    hint: str
    kind: Kind
    width: int
    text: Callable[[Facts, int], str]
    values: Callable[[Facts], NDArray[np.float64]]
    tip: Callable[[Facts, int], str]

    @property
    def amount(self) -> bool:
        return self.kind not in ("name", "text")

    def plain(self, facts: Facts, rows: NDArray[np.int64]) -> list[str]:
        """What a program wants of some rows: amounts without units, empty where they are unknown."""
        if self.kind not in ("number", "share"):
            return [self.text(facts, int(row)) for row in rows]
        return ["" if math.isnan(value) else f"{value:.15g}" for value in self.values(facts)[rows].tolist()]


def columns() -> tuple[Column, ...]:
    """The columns from left to right, in the language of the window."""
    return (
        Column("name", tr("Name"), tr("Name of the layer: of its node, or of the node's first output"), "name", 244,
               lambda f, row: f.layers.names[row], lambda f: f.natural("name", f.layers.names), _name_tip),
        Column("op", tr("Op"), tr("Operator of the layer"), "text", 78,
               lambda f, row: f.layers.ops[row], lambda f: f.natural("op", f.layers.ops), lambda f, row: f.layers.ops[row]),
        Column("shape", tr("Shape"), tr("Shape of the largest weight, as it is stored"), "shape", 112,
               _shape, lambda f: f.rank("shape", f.layers.shapes), _shape),
        Column("size", tr("Size"), tr("Bytes of all weights of the layer, as they are stored"), "number", 74,
               lambda f, row: size_text(int(f.layers.bytes[row])), lambda f: f.layers.bytes.astype(float),
               lambda f, row: tr("{count} bytes", count=f"{f.layers.bytes[row]:,}")),
        Column("macs", tr("MACs"), tr("Multiply-accumulate operations of the layer in one inference"), "number", 66,
               lambda f, row: count_text(int(f.columns.macs[row])) if f.columns.macs[row] >= 0 else UNKNOWN,
               lambda f: _known(f.columns.macs), _macs_tip),
        Column("weights", tr("Weights"), tr("Histogram of the largest weight on a root scale, with a mark at zero; "
               "sorts by the standard deviation"), "weights", 84, _spread, lambda f: f.columns.std, _weights_tip),
        Column("parameters", tr("Parameters"), tr("Number of learned values in all weights of the layer"), "number", 92,
               lambda f, row: count_text(int(f.layers.parameters[row])), lambda f: f.layers.parameters.astype(float),
               lambda f, row: f"{f.layers.parameters[row]:,}"),
        Column("planned", tr("Planned step"), tr("Steps of the recipe that work on the layer"), "text", 200,
               _planned, _planned_order, _planned_tip),
        Column("after", tr("After"), tr("Bytes of the layer after the recipe, predicted"), "number", 72,
               lambda f, row: size_text(int(f.columns.after[row])) if f.columns.after[row] >= 0 else UNKNOWN,
               lambda f: _known(f.columns.after), _after_tip),
        Column("share", tr("Share of latency"), tr("Measured share of the time of one inference"), "share", 136,
               lambda f, row: percent_text(f.columns.share[row]), lambda f: f.columns.share, _share_tip),
        Column("sparsity", tr("Sparsity"), tr("Share of zeros in the largest weight"), "number", 80,
               lambda f, row: percent_text(f.columns.sparsity[row]), lambda f: f.columns.sparsity,
               lambda f, row: "" if f.columns.known[row] else _counting()),
        Column("precision", tr("Precision"), tr("Stored type of the largest weight"), "text", 88,
               lambda f, row: f.layers.precisions[row], lambda f: f.natural("precision", f.layers.precisions),
               lambda f, row: f.layers.precisions[row]),
    )  # fmt: skip


def share_hint(facts: Facts) -> str:
    """How to have the share of latency measured; empty once it is."""
    return "" if np.isfinite(facts.columns.share).any() else tr("Not measured yet: choose Run > Profile layers.")


def _known(values: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(values >= 0, values, np.nan)


def _counting() -> str:
    return tr("The weights have not been read yet.")


def _shape(facts: Facts, row: int) -> str:
    return "×".join(map(str, facts.layers.shapes[row]))


def _name_tip(facts: Facts, row: int) -> str:
    why = facts.refused.get(row, "")
    return f"{facts.layers.names[row]}\n{_refused_by(facts, why)}" if why else facts.layers.names[row]


def _macs_tip(facts: Facts, row: int) -> str:
    macs = int(facts.columns.macs[row])
    if macs < 0:
        return tr("Unknown: the shapes this layer works on depend on the input, or the operator has no MACs of its own.")
    return f"{macs:,}"


def _spread(facts: Facts, row: int) -> str:
    c = facts.columns
    if not c.known[row]:
        return UNKNOWN
    if math.isnan(c.std[row]):
        return tr("no finite value")
    return tr(
        "{low} to {high}, deviation {std}", low=f"{c.minimum[row]:.3g}", high=f"{c.maximum[row]:.3g}", std=f"{c.std[row]:.3g}"
    )


def _weights_tip(facts: Facts, row: int) -> str:
    c = facts.columns
    if not c.known[row]:
        return _counting()
    if math.isnan(c.std[row]):
        return tr("No finite value in this weight.")
    lines = (
        (tr("Minimum"), f"{c.minimum[row]:.4g}"),
        (tr("Mean"), f"{c.mean[row]:.4g}"),
        (tr("Maximum"), f"{c.maximum[row]:.4g}"),
        (tr("Standard deviation"), f"{c.std[row]:.4g}"),
    )
    return "\n".join(f"{name}: {value}" for name, value in lines)


def _planned(facts: Facts, row: int) -> str:
    steps = [facts.methods[n] for n in np.flatnonzero(facts.touches[:, row])]
    if steps:
        return " + ".join(steps)
    return tr("left alone") if facts.step >= 0 and facts.selected[row] and row in facts.refused else UNKNOWN


def _planned_order(facts: Facts) -> NDArray[np.float64]:
    """Layers of the first step first, then those of the second, and those of both between: by the text read as a number."""
    if not len(facts.touches):
        return np.full(len(facts), np.nan)
    weights = 0.5 ** np.arange(len(facts.touches))
    found = -(weights @ facts.touches)
    return np.where(found == 0, np.nan, found)


def _planned_tip(facts: Facts, row: int) -> str:
    lines = [
        tr("Step {number}: {method}", number=n + 1, method=facts.methods[n]) for n in np.flatnonzero(facts.touches[:, row])
    ]
    lines += [tr("Step {number}, {method}, works on the model as a whole", number=n + 1, method=facts.methods[n])
              for n in facts.whole]  # fmt: skip
    why = facts.refused.get(row, "")
    if why:
        lines.append(_refused_by(facts, why))
    return "\n".join(lines) or tr("No step of the recipe works on this layer.")


def _refused_by(facts: Facts, why: str) -> str:
    return tr("{method} leaves it alone: {why}", method=facts.methods[facts.step], why=why)


def _after_tip(facts: Facts, row: int) -> str:
    after, before = int(facts.columns.after[row]), int(facts.layers.bytes[row])
    if after < 0:
        return tr("Not predicted yet.")
    if after == before:
        return tr("No planned step changes the size of this layer.")
    if after > before:
        return tr("{ratio}x larger, predicted", ratio=f"{after / max(before, 1):.3g}")
    return tr("{ratio}x smaller, predicted", ratio=f"{before / max(after, 1):.3g}")


def _share_tip(facts: Facts, row: int) -> str:
    return share_hint(facts) or tr("{share} of the measured time", share=percent_text(facts.columns.share[row]))
