"""The operators of the twin: one small function per operator and form, found by domain, name and opset version.

A function takes the node's inputs by position (None where an optional one is absent) and its attributes by keyword, with
the defaults of the specification, and returns one tensor, or a tuple where the operator has several outputs. Beside
attributes it may ask, by naming a keyword parameter, for:

    node: Node      what is known about the node before it runs: opset, number of outputs, declared types
    types: Types    which torch type carries which ONNX type
    phase: Mode     whether this is training, and whether batch statistics are used (`mode` is an attribute of operators)
    run: Callable   runs a subgraph: `run(body, *inputs) -> tuple`, where body is an attribute of type GRAPH

`host` names the inputs whose *values* steer the operator (shapes, axes, indices of Slice): they are kept on the CPU.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import onnx_ir as ir

from studio.errors import RunError

#: Names a function may use for what is not an attribute.
SPECIAL = ("node", "types", "phase", "run")


@dataclass(frozen=True)
class Node:
    """What an operator may know about its node.

    Attributes:
        name: of the node, or of its first output.
        opset: version of its domain that the file declares.
        outputs: how many outputs are listed (a trailing absent one is not).
        wanted: whether each of them is named.
        estimated: whether the inputs are running statistics that the file stores, and uses for nothing else.
        dtypes: declared types of the inputs, None where unknown or absent.
        results: declared types of the outputs, None where unknown or absent.
    """

    name: str
    op: str
    domain: str
    opset: int
    outputs: int = 1
    wanted: tuple[bool, ...] = (True,)
    estimated: bool = False
    dtypes: tuple[ir.DataType | None, ...] = ()
    results: tuple[ir.DataType | None, ...] = ()


def unsupported(node: Node, why: str) -> RunError:
    """The refusal of a form that cannot be computed in torch; `why` is a clause without a final period."""
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    what = f"The node {node.name} ({domain}{node.op}, opset {node.opset}) cannot be trained through"
    return RunError(what, why, "Leave out the step that trains, or export the model without this operator")


def failed(node: Node, error: Exception) -> RunError:
    """What a user is told where torch refused the values that came to a node."""
    lines = str(error).strip().splitlines()
    why = lines[0].rstrip(".")[:300] if lines else "its inputs do not fit"
    if "out of memory" in why.lower() or "can't allocate memory" in why.lower():
        return RunError(
            f"Memory ran out at the node {node.name} ({node.op})", why, "Make batch-size smaller, and accumulate larger"
        )
    return RunError(
        f"The node {node.name} ({node.op}) cannot be computed in torch", why, "Check the samples, or report this model"
    )


@dataclass
class Mode:
    """How a twin runs: `training` turns Dropout on, `statistics` lets BatchNormalization use and update those of the batch.

    `sparse` lets a table that rows are gathered from get a sparse gradient: for optimizers that take one.
    """

    training: bool = False
    statistics: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class Operator:
    """One form of an operator.

    Attributes:
        since: first opset version it is for; it serves until the next form.
        function: see the package.
        host: positions of inputs that stay on the CPU.
        special: which of `SPECIAL` it asks for.
        attributes: attributes it takes; None if it takes any.
        signature: of the function.
    """

    since: int
    function: Callable[..., Any]
    host: tuple[int, ...]
    special: frozenset[str]
    attributes: frozenset[str] | None
    signature: inspect.Signature

    def misfit(self, inputs: int, attributes: Iterable[str]) -> str | None:
        """What is wrong with a node of so many inputs and these attributes; None if nothing is."""
        given = tuple(attributes)
        unknown = set(given) - self.attributes if self.attributes is not None else ()
        if unknown:
            return f"its attribute {min(unknown)} is not known to the twin"
        try:
            self.signature.bind(*[None] * inputs, **dict.fromkeys((*given, *self.special)))
        except TypeError as error:
            return f"its inputs or attributes are not those of the operator, {error}"
        return None


_table: dict[tuple[str, str], list[Operator]] = {}


def operator(
    *names: str, since: int = 1, domain: str = "", host: tuple[int, ...] = (), passed: Iterable[Callable[..., Any]] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the form of operators `names` from opset `since` of `domain` on; see the package.

    A function with `**attributes` passes them on to `passed`, and takes the attributes that those take; any if there are none.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        own = keywords(function)
        open_ended = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values()) and not passed
        special = frozenset(own & set(SPECIAL))
        attributes = None if open_ended else own.union(*map(keywords, passed)) - set(SPECIAL)
        for name in names:
            forms = _table.setdefault((domain, name), [])
            if any(one.since == since for one in forms):
                raise ValueError(f"{name} since {since} is registered twice")
            forms.append(Operator(since, function, host, special, attributes, signature))
            forms.sort(key=lambda one: one.since)
        return function

    return register


def keywords(function: Callable[..., Any]) -> frozenset[str]:
    """Names of the parameters that a function takes by keyword alone."""
    parameters = inspect.signature(function).parameters.values()
    return frozenset(one.name for one in parameters if one.kind is one.KEYWORD_ONLY)


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def find(domain: str, name: str, opset: int) -> Operator | None:
    """The form of an operator that a file of this opset version means, or None if there is none."""
    _load()
    forms = [one for one in _table.get(("" if domain == "ai.onnx" else domain, name), ()) if one.since <= opset]
    return forms[-1] if forms else None


def known() -> dict[tuple[str, str], tuple[int, ...]]:
    """Every operator by (domain, name), with the first opset version of each of its forms."""
    _load()
    return {key: tuple(one.since for one in forms) for key, forms in sorted(_table.items())}
