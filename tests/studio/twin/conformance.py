"""ONNX's own operator conformance cases, run in a twin.

    python -m tests.studio.twin.conformance [pattern]

prints passed and failing cases by operator, for the operators or cases whose name matches a regular expression.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import onnx
import onnx_ir as ir
import torch
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from studio.errors import StudioError
from studio.model import Model
from studio.twin.module import Twin
from studio.twin.tensors import from_array, to_array

#: Operators whose results are drawn at random: ONNX fixes the distribution, not the generator.
RANDOM = {
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One conformance case: a small model with inputs and the outputs it must have.

    Attributes:
        operator: what it is about, also where the model spells that operator out in others.
        inputs, outputs: arrays in the order of the graph's.
    """

    name: str
    operator: str
    proto: onnx.ModelProto
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
    rtol: float
    atol: float

    @property
    def model(self) -> Model:
        return Model(ir.from_proto(self.proto), self.name)

    @property
    def random(self) -> bool:
        """Whether the outputs are random: then only their types and shapes can be compared."""
        operators = {node.op_type for node in self.proto.graph.node}
        return bool(operators & RANDOM) or (self.operator == "Dropout" and _drops(self))


def _drops(case: Case) -> bool:
    """Whether a Dropout case trains at a ratio other than zero (its seed means nothing to another generator)."""
    by_name = dict(zip((value.name for value in case.proto.graph.input), case.inputs, strict=True))
    training, ratio = by_name.get("t"), by_name.get("r")
    return training is not None and bool(training) and (ratio is None or float(ratio) > 0)


@cache
def cases() -> tuple[Case, ...]:
    """Every node case of the installed onnx package of ai.onnx operators alone whose inputs and outputs are tensors."""
    with warnings.catch_warnings():  # numpy's, while expected values are worked out
        warnings.simplefilter("ignore")
        found = [case for case in load_model_tests(kind="node") if _standard(case.model) and _tensors_only(case.model)]
    operators = {case.name: case.model.graph.node[0].op_type for case in found if "_expanded" not in case.name}
    return tuple(_case(case, operators[case.name.split("_expanded")[0]]) for case in found)


def _standard(model: onnx.ModelProto) -> bool:
    return all(entry.domain in ("", "ai.onnx") for entry in model.opset_import)


def _tensors_only(model: onnx.ModelProto) -> bool:
    return all(value.type.HasField("tensor_type") for value in (*model.graph.input, *model.graph.output))


def _case(case: TestCase, operator: str) -> Case:
    ((inputs, outputs),) = case.data_sets
    return Case(case.name, operator, case.model, _arrays(inputs), _arrays(outputs), case.rtol, case.atol)


def _arrays(values: Iterable[np.ndarray | onnx.TensorProto]) -> tuple[np.ndarray, ...]:
    return tuple(onnx.numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else np.asarray(v) for v in values)


def run(case: Case, exact: bool = True) -> None:
    """Run a case in a twin that carries every value in its declared type, or in one made for training.

    Raises:
        StudioError: the twin cannot run it.
        AssertionError: an output has another type, shape or value than ONNX expects.
    """
    model = case.model
    twin = Twin(model, exact=exact).eval()
    feeds = {
        value.name: from_array(array, twin.types.torch(value.dtype))
        for value, array in zip(model.ir.graph.inputs, case.inputs, strict=True)
    }
    with torch.no_grad():
        results = twin(feeds)
    outputs = [_checked(twin, results[value.name], value) for value in model.ir.graph.outputs]
    if case.random:
        assert [(one.dtype, one.shape) for one in outputs] == [(one.dtype, one.shape) for one in case.outputs]
    else:  # in training, values of 16 bits are not rounded in between
        Runner.assert_similar_outputs(case.outputs, outputs, case.rtol if exact else 2 * case.rtol, case.atol)


def _checked(twin: Twin, result: object, declared: ir.Value) -> np.ndarray:
    """An output as an array of its declared type, which the twin must already carry it in."""
    assert isinstance(result, torch.Tensor), f"{declared.name} is {type(result).__name__}"
    carried = not twin.types.exact or result.dtype == twin.types.torch(declared.dtype)
    assert carried, f"{declared.name} is {result.dtype}, not {declared.dtype.name}"
    return to_array(result, declared.dtype)


def failure(case: Case, exact: bool = True) -> str | None:
    """Why a case fails, in one line; None if it passes."""
    try:
        run(case, exact)
    except (AssertionError, StudioError) as error:
        return " ".join(str(error).split())[:300] or type(error).__name__
    except Exception as error:  # any other is a fault of an operator, told with its kind
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return None


def main(pattern: str = "") -> None:
    """Print passed and failing cases by operator."""
    torch.set_num_threads(1)
    by_operator: defaultdict[str, list[tuple[Case, str | None]]] = defaultdict(list)
    for case in cases():
        if re.search(pattern, case.operator) or re.search(pattern, case.name):
            by_operator[case.operator].append((case, failure(case)))
    for operator, results in sorted(by_operator.items()):
        failing = [(case, why) for case, why in results if why is not None]
        print(f"{operator}: {len(results) - len(failing)}/{len(results)}")
        for case, why in failing:
            print(f"    {case.name}: {why}")
    everything = [why for results in by_operator.values() for _, why in results]
    print(f"{sum(why is None for why in everything)}/{len(everything)} passed")


if __name__ == "__main__":
    main(*sys.argv[1:2])
