"""Model, Layer and weights: who is a layer, what it is called for ever, and which constants are its weights."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import TensorProto

from studio.errors import ModelError
from studio.formats import load
from studio.graph.edit import inherit, nodes_by_layer, remove_unused
from studio.graph.serialize import write
from studio.model import LAYER_KEY, Model, layer_names
from studio.weights import weights_of
from tests import real_models
from tests.studio.formats import build


def opened(folder, nodes, initializers, **more) -> Model:
    return load(build.save(build.model(build.graph(nodes, initializers, **more)), folder))


def names(model: Model) -> list[str]:
    return [layer.name for layer in model.layers]


def rewritten(model: Model, folder) -> Model:
    """What a reader finds in the file `model` is written to."""
    return load(write(model, folder / "again.onnx")[0])


# ---- identity


def test_unique_node_name_else_first_output(tmp_path):
    nodes = [
        build.node("Add", ["x", "w"], ["a"], "first"),
        build.node("Add", ["a", "w"], ["b"]),
        build.node("Add", ["b", "w"], ["c"], "twice"),
        build.node("Add", ["c", "w"], ["y"], "twice"),
    ]
    model = opened(tmp_path, nodes, [build.weight()])
    assert names(model) == ["first", "b", "c", "y"]
    assert names(rewritten(model, tmp_path)) == names(model)


def test_a_name_is_not_taken_from_the_node_that_has_it(tmp_path):
    nodes = [
        build.node("Add", ["x", "w"], ["conv"]),  # its first output is called like the next node
        build.node("Add", ["conv", "w"], ["y"], "conv"),
    ]
    model = opened(tmp_path, nodes, [build.weight()])
    assert names(model) == ["graph/conv", "conv"]
    assert model.layer("conv").node.outputs[0].name == "y"
    assert names(rewritten(model, tmp_path)) == names(model)


def test_nodes_of_subgraphs_with_equal_names(tmp_path):
    def branch(name: str):
        inner = [build.node("Add", ["x", "w"], ["z"], "add"), build.node("Mul", ["z", "w"], ["r"])]
        made = build.graph(inner, [], [], [build.port("r", None)])
        made.name = name
        return made

    nodes = [
        build.node("If", ["flag"], ["i"], "if", then_branch=branch("then"), else_branch=branch("else")),
        build.node("Add", ["i", "w"], ["y"], "add"),
    ]
    model = opened(tmp_path, nodes, [build.weight(), build.tensor("flag", True)])
    assert sorted(names(model)) == ["r", "then/r", "then/z", "y", "z"]
    again = rewritten(model, tmp_path)
    assert names(again) == names(model)
    assert names(rewritten(again, tmp_path)) == names(model)


def test_names_outlive_every_way_of_renaming(tmp_path):
    nodes = [build.node("Add", ["x", "w"], ["a"]), build.node("Mul", ["a", "v"], ["y"], "second")]
    model = opened(tmp_path, nodes, [build.weight(), build.weight("v")])
    graph = model.edit()
    by_layer = nodes_by_layer(graph)
    assert list(by_layer) == ["a", "second"]
    by_layer["a"].outputs[0].name = "renamed"
    by_layer["second"].name = "a"  # what the other is called
    step = model.with_ir(graph)
    assert names(step) == ["a", "second"]
    assert names(step.with_ir(step.edit())) == ["a", "second"]
    assert names(rewritten(step, tmp_path)) == ["a", "second"]
    assert [node.name for node in model.ir.graph] == ["", "second"]  # the model before the step is as it was


def test_naming_one_node_does_not_rename_another(tmp_path):
    nodes = [
        build.node("Add", ["x", "w"], ["a"], "same"),
        build.node("Add", ["a", "w"], ["b"], "same"),
        build.node("Add", ["b", "w"], ["y"], "third"),
    ]
    model = opened(tmp_path, nodes, [build.weight()])
    graph = model.edit()
    nodes_by_layer(graph)["a"].outputs[0].name = "other"  # needs its name pinned, which leaves one "same"
    step = model.with_ir(graph)
    assert names(step) == ["a", "b", "third"]
    assert names(rewritten(step, tmp_path)) == ["a", "b", "third"]


def test_a_replacement_inherits_the_name(tmp_path):
    model = opened(
        tmp_path, [build.node("MatMul", ["x", "w"], ["y"])], [build.weight("w", (3, 4))], outputs=[build.port("y", None)]
    )
    graph = model.edit()
    old = nodes_by_layer(graph)["y"]
    new = ir.node("Gemm", list(old.inputs))
    inherit(new, old)
    ir.convenience.replace_nodes_and_values(graph.graph, old, [old], [new], old.outputs, new.outputs)
    step = model.with_ir(graph)
    assert names(step) == ["y"]
    assert names(rewritten(step, tmp_path)) == ["y"]


def test_a_copy_of_a_layer_is_another_layer(tmp_path):
    model = opened(tmp_path, [build.node("Add", ["x", "w"], ["y"], "add")], [build.weight()])
    graph = model.edit()
    first = graph.graph[0]
    copy = ir.node("Add", list(first.inputs))
    copy.meta[LAYER_KEY] = "add"
    copy.outputs[0].name = "copied"
    graph.graph.append(copy)
    copy.name = ""  # it was given one
    graph.graph.outputs.append(copy.outputs[0])
    copy.outputs[0].dtype = ir.DataType.FLOAT
    step = model.with_ir(graph)
    assert names(step) == ["add", "copied"]
    assert names(rewritten(step, tmp_path)) == ["add", "copied"]


def test_ids_are_not_written_and_not_shared(tmp_path):
    model = opened(tmp_path, [build.node("Add", ["x", "w"], ["y"], "add")], [build.weight()])
    path = write(model, tmp_path / "out.onnx")[0]
    assert LAYER_KEY.encode() not in path.read_bytes()
    clone = model.edit()
    clone.graph[0].meta[LAYER_KEY] = "other"
    assert names(model) == ["add"]
    assert clone.graph.initializers["w"].const_value is model.ir.graph.initializers["w"].const_value


def test_removing_others_changes_no_name(tmp_path):
    nodes = [build.node("Add", ["x", "w"], ["dead"]), build.node("Add", ["x", "v"], ["y"], "dead")]
    model = opened(tmp_path, nodes, [build.weight(), build.weight("v")])
    assert names(model) == ["graph/dead", "dead"]
    graph = model.edit()
    assert remove_unused(graph) == 2
    assert names(model.with_ir(graph)) == ["dead"]


def test_asking_for_a_layer(tmp_path):
    model = opened(tmp_path, [build.node("Add", ["x", "w"], ["y"], "block/0/add")], [build.weight()])
    assert model.layer("block/0/add").block == "block/0"
    with pytest.raises(ModelError) as caught:
        model.layer("other")
    assert str(caught.value) == "m.onnx has no layer named 'other'."
    assert repr(model) == "<Model m.onnx: 1 nodes, 1 layers, 6 parameters>"


# ---- weights


def only(model: Model):
    (layer,) = model.layers
    (weight,) = layer.weights
    return layer, weight


MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
OUT = {"outputs": [build.port("y", None)]}


@pytest.mark.parametrize(
    ("between", "path"),
    [
        ([], []),
        ([build.node("Identity", ["k"], ["w"])], ["Identity"]),
        ([build.node("Cast", ["k"], ["w"], to=TensorProto.FLOAT)], ["Cast"]),
        (
            [build.node("Transpose", ["k"], ["t"], perm=[1, 0]), build.node("Transpose", ["t"], ["w"])],
            ["Transpose", "Transpose"],
        ),
        ([build.node("Reshape", ["k", "shape"], ["w"])], ["Reshape"]),
    ],
    ids=["direct", "identity", "cast", "transposed", "reshaped"],
)
@pytest.mark.parametrize("place", ["initializer", "constant"])
def test_a_weight_behind_storage_nodes(tmp_path, place, between, path):
    stored = "k" if between else "w"
    matrix = build.tensor(stored, MATRIX)
    first = [] if place == "initializer" else [build.node("Constant", [], [stored], value=matrix)]
    nodes = [*first, *between, build.node("MatMul", ["x", "w"], ["y"], "times")]
    shape = build.tensor("shape", np.array([3, 4]))
    model = opened(tmp_path, nodes, [shape, *([matrix] if place == "initializer" else [])], **OUT)
    layer, weight = only(model)
    assert (layer.name, layer.op, layer.shape, layer.precision) == ("times", "MatMul", (3, 4), "float32")
    assert (weight.index, weight.name, weight.size, weight.bytes) == (1, stored, 12, 48)
    assert [node.op_type for node in weight.path] == path
    np.testing.assert_array_equal(weight.tensor.numpy(), MATRIX)
    assert model.parameters == 12


def test_a_quantized_weight_behind_dequantization(tmp_path):
    nodes = [build.node("DequantizeLinear", ["q", "scale", "zero"], ["w"]), build.node("MatMul", ["x", "w"], ["y"], "times")]
    stored = [
        build.tensor("q", MATRIX.astype(np.int8)),
        build.tensor("scale", np.float32(0.1)),
        build.tensor("zero", np.int8(0)),
    ]
    layer, weight = only(opened(tmp_path, nodes, stored, **OUT))
    assert (layer.name, layer.precision, weight.name, weight.bytes, weight.quantized) == ("times", "int8", "q", 12, True)


def test_quantized_operators(tmp_path):
    nodes = [build.node("MatMulInteger", ["x", "w"], ["y"], "times")]
    model = opened(
        tmp_path, nodes, [build.tensor("w", MATRIX.astype(np.int8))], inputs=[build.port("x", [2, 3], TensorProto.UINT8)],
        outputs=[build.port("y", None, TensorProto.INT32)],
    )  # fmt: skip
    assert only(model)[0].precision == "int8"


@pytest.mark.parametrize(
    "attributes",
    [
        {"value": build.tensor("k", np.float32([1, 2, 3]))},
        {"value_floats": [1.0, 2.0, 3.0]},
    ],
    ids=["value", "value_floats"],
)
def test_constant_nodes(tmp_path, attributes):
    nodes = [build.node("Constant", [], ["w"], **attributes), build.node("Add", ["x", "w"], ["y"], "add")]
    _, weight = only(opened(tmp_path, nodes, []))
    np.testing.assert_array_equal(weight.tensor.numpy(), np.float32([1, 2, 3]))


@pytest.mark.parametrize("fill", [None, 0.5])
def test_constants_of_a_shape_are_made_only_when_read(tmp_path, fill):
    shape = (1 << 14, 1 << 16)  # 4 GB as float32
    attributes = {} if fill is None else {"value": build.tensor("v", np.float32([fill]))}
    nodes = [build.node("ConstantOfShape", ["shape"], ["w"], **attributes), build.node("MatMul", ["x", "w"], ["y"], "times")]
    layer, _ = only(opened(tmp_path, nodes, [build.tensor("shape", np.array(shape))], **OUT))
    assert (layer.parameters, layer.bytes, layer.shape) == (1 << 30, 1 << 32, shape)
    small = opened(tmp_path, nodes, [build.tensor("shape", np.array([3, 4]))], **OUT)
    np.testing.assert_array_equal(only(small)[1].tensor.numpy(), np.full((3, 4), fill or 0, np.float32))


@pytest.mark.parametrize(
    ("node", "constants"),
    [
        (build.node("Reshape", ["x", "s"], ["y"]), [build.tensor("s", np.array([3, 2]))]),
        (build.node("Add", ["x", "s"], ["y"]), [build.tensor("s", np.float32(1))]),
        (build.node("Clip", ["x", "lo", "hi"], ["y"]), [build.tensor("lo", np.float32(0)), build.tensor("hi", np.float32(6))]),
        (build.node("Resize", ["x", "", "s"], ["y"]), [build.tensor("s", np.float32([2, 2]))]),
        (build.node("Gather", ["x", "i"], ["y"]), [build.tensor("i", np.array([1, 0]))]),
        (build.node("Where", ["m", "x", "x"], ["y"]), [build.tensor("m", np.array([[True, False, True]]))]),
        (build.node("Relu", ["x"], ["y"]), []),
    ],
    ids=lambda value: value.op_type if hasattr(value, "op_type") else "",
)
def test_shapes_bounds_indices_and_scalars_are_not_weights(tmp_path, node, constants):
    assert opened(tmp_path, [node], constants, **OUT).layers == ()


def test_a_weight_that_two_layers_share_is_counted_once(tmp_path):
    nodes = [build.node("Add", ["x", "w"], ["a"], "one"), build.node("Mul", ["a", "w"], ["y"], "two")]
    model = opened(tmp_path, nodes, [build.weight()])
    assert [layer.parameters for layer in model.layers] == [6, 6]
    assert model.parameters == 6
    assert model.bytes == 24
    assert [name for name, _ in model.tensors()] == ["w"]


def test_a_weight_of_the_graph_around(tmp_path):
    inner = build.graph([build.node("Add", ["x", "w"], ["z"], "deep")], [], [], [build.port("z", None)])
    nodes = [build.node("If", ["flag"], ["y"], "if", then_branch=inner, else_branch=inner)]
    model = opened(tmp_path, nodes, [build.weight(), build.tensor("flag", True)], **OUT)
    assert [weight.name for layer in model.layers for weight in layer.weights] == ["w", "w"]
    assert model.parameters == 6


def test_recurrent_layers_have_all_their_weights(tmp_path):
    stored = [build.weight("w", (1, 8, 3)), build.weight("r", (1, 8, 2)), build.weight("b", (1, 16))]
    nodes = [build.node("LSTM", ["x", "w", "r", "b"], ["y"], "lstm", hidden_size=2)]
    model = opened(tmp_path, nodes, stored, inputs=[build.port("x", [5, 1, 3])], **OUT)
    (layer,) = model.layers
    assert [weight.name for weight in layer.weights] == ["w", "r", "b"]
    assert layer.main.name == "w"
    assert layer.parameters == 8 * 3 + 8 * 2 + 16


def test_weights_are_told_without_reading_them(tmp_path):
    (tmp_path / "w.data").write_bytes(bytes(4 * 10**6))
    made = build.graph(
        initializers=[build.external("w", [1000, 1000], "w.data")], inputs=[build.port("x", [1000, 1000])], **OUT
    )
    path = build.save(build.model(made), tmp_path)
    model = load(path)
    (tmp_path / "w.data").write_bytes(b"")  # nothing in it can be read any more
    assert model.layers[0].bytes == 4 * 10**6
    assert weights_of(model.ir.graph[0])[0].shape == (1000, 1000)


# ---- real models: (nodes, layers, parameters), subgraphs included

SILERO = {
    "silero_vad": (689, 60, 545_280),
    "silero_vad_16k_op15": (350, 30, 309_632),
    "silero_vad_16k_sequence": (63, 7, 309_632),
    "silero_vad_half": (325, 30, 309_632),
    "silero_vad_op18_ifless": (90, 16, 545_280),
    "silero_vad_openvino_16k": (167, 18, 309_632),
}
RAPIDOCR = {"det": (672, 68, 1_171_616), "cls": (566, 108, 133_628), "rec": (860, 72, 2_690_109)}


def _agrees(model: Model, expected: tuple[int, int, int], tmp_path) -> None:
    assert (model.count, len(model.layers), model.parameters) == expected
    assert len(set(names(model))) == len(model.layers)
    assert list(layer_names(model.ir).values()) == [node.meta[LAYER_KEY] for graph in model.ir.graphs() for node in graph]
    step = model.with_ir(model.edit())
    assert names(step) == names(model)
    assert names(rewritten(step, tmp_path)) == names(model)


@pytest.mark.parametrize("name", real_models.SILERO)
def test_silero(name, tmp_path):
    _agrees(load(real_models.silero(name)), SILERO[name], tmp_path)


@pytest.mark.parametrize("name", real_models.RAPIDOCR)
def test_rapidocr(name, tmp_path):
    model = load(real_models.rapidocr(name))
    assert not model.ir.graph.initializers
    _agrees(model, RAPIDOCR[name], tmp_path)


def test_paraphrase_minilm(tmp_path):
    model = load(real_models.paraphrase_minilm())
    _agrees(model, (354, 46, 17_241_984), tmp_path)
    largest = max(model.layers, key=lambda layer: layer.parameters)
    assert (largest.op, largest.shape) == ("Gather", (30522, 384))
