"""Branches, loops, scans, sequences and optionals against ONNX Runtime, and gradients through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from studio.errors import RunError
from studio.model import Model
from studio.twin.back import with_weights
from studio.twin.module import Twin
from tests.real_models import SILERO, silero
from tests.studio.twin.nodes import FLOAT, INT64, by_runtime, by_twin, torch_value

BOOL = TensorProto.BOOL
random = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


def value(name: str, kind: int = FLOAT, shape: Sequence[int | str] | None = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node from names with spaces between them; "-" is an absent one."""
    names = [["" if name == "-" else name for name in text.split()] for text in (inputs, outputs)]
    return helper.make_node(op, *names, **attributes)


def graph(nodes: list[onnx.NodeProto], inputs: list, outputs: list, **stored: np.ndarray) -> onnx.GraphProto:
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in stored.items()]
    return helper.make_graph(nodes, "graph", inputs, outputs, tensors)


def model(main: onnx.GraphProto, version: int = 17) -> onnx.ModelProto:
    return helper.make_model(main, opset_imports=[helper.make_opsetid("", version)], ir_version=8)


def same(proto: onnx.ModelProto, **feeds: Any) -> dict[str, np.ndarray]:
    """What both give, which must be the same."""
    arrays = {name: np.asarray(array) for name, array in feeds.items()}
    expected, found = by_runtime(proto, arrays), by_twin(proto, arrays)
    for name, array in expected.items():
        assert found[name].shape == array.shape, name
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6, err_msg=name)
    return found


def choice() -> onnx.ModelProto:
    """y = x w if c else x + w, where w and x stand outside of the branches."""
    then = graph([node("MatMul", "x w", "t")], [], [value("t")])
    other = graph([node("Add", "x w", "e")], [], [value("e")])
    main = graph(
        [node("If", "c", "y", then_branch=then, else_branch=other)],
        [value("c", BOOL, []), value("x", FLOAT, [3, 3])],
        [value("y", FLOAT, [3, 3])],
        w=normal(3, 3),
    )
    return model(main)


def test_a_branch_reads_the_values_around_it() -> None:
    proto, x = choice(), normal(3, 3)
    assert not np.allclose(same(proto, c=True, x=x)["y"], same(proto, c=False, x=x)["y"])


def test_weights_in_branches_are_trained_and_written_back() -> None:
    proto = choice()
    twin = Twin(Model(ir.from_proto(proto)))
    x = torch.from_numpy(normal(3, 3)).requires_grad_()
    twin({"c": torch.tensor(True), "x": x})["y"].sum().backward()
    torch.testing.assert_close(twin.weights()["w"].grad, x.detach().sum(0)[:, None].expand(3, 3))
    torch.testing.assert_close(x.grad, twin.weights()["w"].detach().sum(1).expand(3, 3))


def loop(limit: bool, condition: bool, stop: float = 1e9) -> onnx.ModelProto:
    """s is multiplied by w and printed while it is small, at most n times; all s and the numbers of the steps are kept."""
    body = graph(
        [
            node("MatMul", "s w", "next"),
            node("ReduceMax", "next", "most", keepdims=0),
            node("Less", "most stop", "again"),
            node("Identity", "next", "kept"),
            node("Mul", "i i", "square"),
        ],
        [value("i", INT64, []), value("go", BOOL, []), value("s", FLOAT, [2, 2])],
        [value("again", BOOL, []), value("next", FLOAT, [2, 2]), value("kept", FLOAT, [2, 2]), value("square", INT64, [])],
    )
    inputs = f"{'n' if limit else '-'} {'c' if condition else '-'} s0"
    main = graph(
        [node("Loop", inputs, "final all squares", body=body)],
        [
            value("s0", FLOAT, [2, 2]),
            *([value("n", INT64, [])] if limit else []),
            *([value("c", BOOL, [])] if condition else []),
        ],
        [value("final", FLOAT, [2, 2]), value("all", FLOAT, ["steps", 2, 2]), value("squares", INT64, ["steps"])],
        w=np.array([[1.5, 0.1], [0.2, 1.4]], np.float32),
        stop=np.float32(stop),
    )
    return model(main)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_loop_runs_as_often_as_it_is_told(steps: int) -> None:
    found = same(loop(True, False), s0=np.eye(2, dtype=np.float32), n=np.int64(steps))
    assert found["all"].shape == (steps, 2, 2)
    assert list(found["squares"]) == [n * n for n in range(steps)]


def test_a_loop_ends_when_its_condition_says_so() -> None:
    assert 1 < len(same(loop(True, True, 9.0), s0=np.eye(2, dtype=np.float32), n=np.int64(50), c=True)["all"]) < 50
    assert 1 < len(same(loop(False, True, 9.0), s0=np.eye(2, dtype=np.float32), c=True)["all"]) < 50
    assert len(same(loop(True, True), s0=np.eye(2, dtype=np.float32), n=np.int64(5), c=False)["all"]) == 0


def test_gradients_pass_loops() -> None:
    """Of a matrix to the third power."""
    twin = Twin(Model(ir.from_proto(loop(True, False))))
    start = torch.eye(2)
    twin({"s0": start, "n": torch.tensor(3)})["final"].sum().backward()
    matrix = twin.weights()["w"].detach().clone().requires_grad_()
    torch.linalg.matrix_power(matrix, 3).sum().backward()
    torch.testing.assert_close(twin.weights()["w"].grad, matrix.grad)


def test_loops_stand_in_loops() -> None:
    inner = graph(
        [node("Mul", "p w", "q"), node("Add", "q outer", "r"), node("Identity", "g2", "h2")],
        [value("j", INT64, []), value("g2", BOOL, []), value("p", FLOAT, [2])],
        [value("h2", BOOL, []), value("r", FLOAT, [2])],
    )
    body = graph(
        [node("Add", "s x", "outer"), node("Loop", "three - s", "t", body=inner), node("Identity", "g1", "h1")],
        [value("i", INT64, []), value("g1", BOOL, []), value("s", FLOAT, [2])],
        [value("h1", BOOL, []), value("t", FLOAT, [2]), value("outer", FLOAT, [2])],
    )
    main = graph(
        [node("Loop", "two - x", "y all", body=body)],
        [value("x", FLOAT, [2])],
        [value("y", FLOAT, [2]), value("all", FLOAT, [2, 2])],
        w=np.array([0.5, -0.3], np.float32),
        two=np.int64(2),
        three=np.int64(3),
    )
    same(model(main), x=normal(2))


def scanned() -> onnx.GraphProto:
    return graph(
        [node("Mul", "a w", "aw"), node("Add", "s aw", "t"), node("Sub", "t b", "u"), node("Identity", "t", "v")],
        [value("s", FLOAT, [3]), value("a", FLOAT, [3]), value("b", FLOAT, [3])],
        [value("t", FLOAT, [3]), value("u", FLOAT, [3]), value("v", FLOAT, [3])],
        w=np.array([0.5, 2, -1], np.float32),
    )


@pytest.mark.parametrize("steps", [0, 5])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"scan_input_directions": [1, 0], "scan_output_directions": [0, 1]},
        {"scan_input_axes": [1, 0], "scan_output_axes": [1, 0]},
        {"scan_input_axes": [-1, 0], "scan_output_axes": [-1, 0], "scan_output_directions": [1, 1]},
    ],
)
def test_a_scan_goes_along_axes_and_directions(steps: int, attributes: dict[str, list[int]]) -> None:
    first = attributes.get("scan_input_axes", [0])[0] == 0
    shapes = {"a": (steps, 3) if first else (3, steps), "b": (steps, 3)}
    swapped = attributes.get("scan_output_axes", [0])[0] != 0
    main = graph(
        [node("Scan", "s0 a b", "s u v", body=scanned(), num_scan_inputs=2, **attributes)],
        [value("s0", FLOAT, [3]), value("a", FLOAT, shapes["a"]), value("b", FLOAT, shapes["b"])],
        [value("s", FLOAT, [3]), value("u", FLOAT, (3, steps) if swapped else (steps, 3)), value("v", FLOAT, (steps, 3))],
    )
    proto = model(main)
    feeds = {"s0": normal(3), "a": normal(*shapes["a"]), "b": normal(*shapes["b"])}
    if steps:
        same(proto, **feeds)
    else:  # ONNX Runtime refuses an empty scan
        found = by_twin(proto, feeds)
        np.testing.assert_array_equal(found["s"], feeds["s0"])
        assert found["u"].size == found["v"].size == 0


@pytest.mark.parametrize("lengths", [None, [4, 2]])
def test_the_first_form_of_scan_has_a_batch(lengths: list[int] | None) -> None:
    body = graph(
        [node("Add", "s a", "t"), node("Mul", "t a", "u")],
        [value("s", FLOAT, [3]), value("a", FLOAT, [3])],
        [value("t", FLOAT, [3]), value("u", FLOAT, [3])],
    )
    given = [] if lengths is None else [value("n", INT64, [2])]
    main = graph(
        [node("Scan", f"{'-' if lengths is None else 'n'} s0 a", "s u", body=body, num_scan_inputs=1, directions=[1])],
        [value("s0", FLOAT, [2, 3]), value("a", FLOAT, [2, 4, 3]), *given],
        [value("s", FLOAT, [2, 3]), value("u", FLOAT, [2, 4, 3])],
    )
    feeds: dict[str, Any] = {"s0": normal(2, 3), "a": normal(2, 4, 3)}
    same(model(main, 8), **feeds, **({} if lengths is None else {"n": np.array(lengths)}))


def test_sequences_are_built_and_taken_apart() -> None:
    nodes = [
        node("SequenceConstruct", "x y", "two"),
        node("SequenceInsert", "two z zero", "three"),
        node("SequenceInsert", "three x", "four"),
        node("SequenceErase", "four one", "left"),
        node("SequenceAt", "left minus", "last"),
        node("SequenceLength", "left", "length"),
        node("ConcatFromSequence", "left", "joined", axis=0),
        node("ConcatFromSequence", "left", "piled", axis=-1, new_axis=1),
        node("SplitToSequence", "joined sizes", "split", axis=0),
        node("SequenceAt", "split one", "part"),
        node("SplitToSequence", "x", "rows", axis=1, keepdims=0),
        node("SequenceAt", "rows one", "row"),
        node("SequenceEmpty", "", "none"),
        node("SequenceInsert", "none x", "single"),
        node("SequenceLength", "single", "count"),
    ]
    kinds = {"last": FLOAT, "length": INT64, "joined": FLOAT, "piled": FLOAT, "part": FLOAT, "row": FLOAT, "count": INT64}
    main = graph(
        nodes,
        [value(name, FLOAT, [2, 3]) for name in "xyz"],
        [value(name, kind) for name, kind in kinds.items()],
        zero=np.int64(0),
        one=np.int64(1),
        minus=np.int64(-1),
        sizes=np.array([1, 3, 2]),
    )
    same(model(main), x=normal(2, 3), y=normal(2, 3), z=normal(2, 3))


def test_a_sequence_is_the_state_of_a_loop() -> None:
    body = graph(
        [node("SequenceInsert", "list x", "longer"), node("Identity", "go", "again")],
        [value("i", INT64, []), value("go", BOOL, []), helper.make_tensor_sequence_value_info("list", FLOAT, None)],
        [value("again", BOOL, []), helper.make_tensor_sequence_value_info("longer", FLOAT, None)],
    )
    nodes = [node("SequenceEmpty", "", "none"), node("Loop", "n - none", "list", body=body)]
    nodes += [node("ConcatFromSequence", "list", "y", axis=0)]
    same(model(graph(nodes, [value("x", FLOAT, [2, 3])], [value("y")], n=np.int64(3))), x=normal(2, 3))


def optional(nodes: list[onnx.NodeProto], kind: int) -> onnx.ModelProto:
    return model(graph(nodes, [value("x", FLOAT, [2])], [value("y", kind)]), 18)


def test_optionals_hold_a_value_or_none() -> None:
    of = helper.make_tensor_type_proto(FLOAT, [2])
    x = normal(2)
    full, empty = node("Optional", "x", "o"), node("Optional", "", "o", type=of)
    for made, there in ((full, True), (empty, False)):
        proto = optional([made, node("OptionalHasElement", "o", "y")], BOOL)
        assert bool(by_twin(proto, {"x": x})["y"]) is there
    np.testing.assert_array_equal(by_twin(optional([full, node("OptionalGetElement", "o", "y")], FLOAT), {"x": x})["y"], x)
    with pytest.raises(RunError, match="its input holds no value"):
        by_twin(optional([empty, node("OptionalGetElement", "o", "y")], FLOAT), {"x": x})


@pytest.mark.parametrize("name", SILERO)
def test_real_models_of_branches_and_recurrent_layers(name: str) -> None:
    loaded = Model(ir.load(silero(name)))
    twin = Twin(loaded).eval()
    assert with_weights(loaded, twin) is loaded
    shapes = {"input": (576,), "state": (2, 1, 128), "h": (1, 1, 128), "c": (1, 1, 128)}
    feeds: dict[str, np.ndarray] = {}
    for port in loaded.inputs:
        lead = (4,) if "sequence" in name and port.name == "input" else (1,)
        shape = (*lead, 576) if port.name == "input" else shapes.get(port.name, ())
        feeds[port.name] = np.array(16000) if port.name == "sr" else 0.1 * normal(*shape)
    with torch.no_grad():
        found = twin({key: torch_value(array, twin) for key, array in feeds.items()})
    session = by_runtime(onnx.load(silero(name)), feeds)
    tolerance = 5e-3 if "half" in name else 1e-5
    for key, array in session.items():
        np.testing.assert_allclose(found[key].numpy(), array, rtol=1e-4, atol=tolerance)


def test_values_that_begin_on_the_cpu_meet_those_of_a_device() -> None:
    """A sum that starts as a constant of a loop is stacked with, and joined to, what the device adds to it."""
    header = '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[3,2] sums, float[4] both)'
    nodes = """{ limit = Constant <value_int = 3> () two = Constant <value_ints = [2]> () start = ConstantOfShape(two)
        last, sums = Loop <body = step (int64 i, bool c, float[2] before) => (bool go, float[2] after, float[2] out)
            { go = Identity(c) out = Identity(before) after = Add(before, x) }> (limit, , start)
        pair = SequenceConstruct(start, last) both = ConcatFromSequence <axis: int = 0> (pair) }"""
    twin = Twin(Model(ir.from_proto(onnx.parser.parse_model(header + nodes)))).to("meta")
    found = twin({"x": torch.zeros(2, device="meta")})
    assert {name: (value.device.type, tuple(value.shape)) for name, value in found.items()} == {
        "sums": ("meta", (3, 2)), "both": ("meta", (4,)),
    }  # fmt: skip
