"""Suggested pairs of inner values and attention maps, on real models of every kind and across exporters."""

from __future__ import annotations

import re
from pathlib import Path

import onnx_ir as ir
import pytest

from studio import formats, paths
from studio.errors import SettingError
from studio.method import Context, make_method
from studio.model import Model
from studio.samples.random import random_samples
from studio.train.matching import attention_maps, attention_pairs, feature_pairs, named_pairs
from studio.train.trunk import trunk
from tests import real_models


def sample(name: str) -> Model:
    return formats.load(paths.sample_models() / name / "model.onnx")


@pytest.fixture(scope="module")
def small() -> Model:
    return formats.load(real_models.paraphrase_minilm())


@pytest.fixture(scope="module")
def large() -> Model:
    return formats.load(real_models.minilm_l6())


def block(name: str) -> int:
    found = re.search(r"layer\.(\d+)", name)
    return int(found[1]) if found else -1


def test_the_trunk_of_a_perceptron_is_its_activations() -> None:
    found = trunk(sample("digit_mlp"))
    assert [(one.name, one.shape, one.width) for one in found] == [
        ("/relu1/Relu_output_0", (1, 256), 256),
        ("/relu2/Relu_output_0", (1, 128), 128),
    ]


def test_the_trunk_of_a_residual_network_skips_what_a_shortcut_passes_by() -> None:
    names = {one.name for one in trunk(sample("image_net"))}
    assert "/blocks/blocks.1/Add_output_0" in names
    assert not any("blocks.1/expand" in name or "blocks.1/depthwise" in name for name in names)


def test_a_mask_beside_it_is_no_reason_against_a_trunk() -> None:
    found = [one for one in trunk(sample("text_encoder")) if "layer." in one.name]
    assert [one.kind >= {"Softmax"} for one in found] == [True, False, True]
    assert {(one.axis, one.width) for one in found} == {(2, 128)}


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "text_encoder", "ranker"])
@pytest.mark.parametrize("method", ["prune-weights", "weight-only", "static-int8", "dynamic-int8", "fp16"])
def test_a_pruned_or_quantized_student_has_the_same_values(name: str, method: str) -> None:
    teacher = sample(name)
    made = make_method(method, {})
    layers = tuple(one for one in teacher.layers if made.why_not(one) is None)
    student = made.apply(teacher, layers, Context(random_samples(teacher, 2)))
    found = feature_pairs(teacher, student)
    assert [pair.teacher.name for pair in found] == [one.name for one in trunk(teacher)]
    assert all(pair.teacher.name == pair.student.name and pair.reason == "the same value" for pair in found)


def test_a_teacher_twice_as_deep_is_matched_at_every_second_block(small: Model, large: Model) -> None:
    found = [pair for pair in feature_pairs(large, small) if "layer." in pair.student.name]
    assert [(block(pair.student.name), block(pair.teacher.name)) for pair in found] == [(0, 1), (0, 1), (1, 3), (1, 3), (2, 5)]
    assert all(pair.teacher.kind == pair.student.kind for pair in found)
    turned = feature_pairs(small, large)
    assert {(p.teacher.name, p.student.name) for p in turned} == {
        (p.student.name, p.teacher.name) for p in feature_pairs(large, small)
    }


def test_attention_maps_are_matched_last_with_last(small: Model, large: Model) -> None:
    found, why = attention_pairs(large, small)
    assert why == ""
    assert [(block(pair.student.name), block(pair.teacher.name)) for pair in found] == [(0, 1), (1, 3), (2, 5)]
    assert found[0].reason == "attention at 1 of 3 with 2 of 6"
    assert {pair.teacher.shape[1] for pair in found} == {12}


def test_images_are_matched_by_resolution() -> None:
    found = feature_pairs(formats.load(real_models.light("resnet50")), formats.load(real_models.efficientnet_lite0()))
    assert len(found) > 10
    assert {pair.teacher.sizes for pair in found} == {(56, 56), (28, 28), (14, 14), (7, 7)}
    assert all(pair.teacher.sizes == pair.student.sizes and pair.teacher.axis == pair.student.axis == 1 for pair in found)
    for sizes in {pair.teacher.sizes for pair in found}:
        assert [p.reason for p in found if p.teacher.sizes == sizes][-1].split(" at ")[0].split()[0] != "1"


def test_at_most_so_many_are_spread_evenly() -> None:
    model = sample("image_net")
    every, few = feature_pairs(model, model), feature_pairs(model, model, most=3)
    assert [every.index(pair) for pair in few] == [4, 9, 14]


def test_attention_in_one_operator_is_told() -> None:
    model = sample("text_encoder")
    graph = model.edit()
    for node in [node for node in graph.graph if node.op_type == "Softmax"]:
        whole = ir.node("Attention", [node.inputs[0]], domain="com.microsoft", name=node.name)
        graph.graph.insert_before(node, whole)
        node.outputs[0].replace_all_uses_with(whole.outputs[0])
        graph.graph.remove(node, safe=True)
    student = Model(graph)
    found, why = attention_pairs(model, student)
    assert found == []
    assert why == "the student computes attention in one operator (Attention), inside of which maps cannot be seen"
    assert attention_pairs(sample("digit_mlp"), model) == ([], "the teacher has no attention")


def test_a_softmax_over_classes_is_no_attention_map() -> None:
    assert attention_maps(sample("digit_mlp")) == []
    assert len(attention_maps(sample("text_encoder"))) == 2


def test_values_are_found_by_name_or_refused() -> None:
    teacher = sample("image_net")
    name = "/blocks/blocks.1/Add_output_0"
    (pair,) = named_pairs(teacher, teacher, [(name, name)])
    assert (pair.teacher.width, pair.student.axis) == (32, 1)
    with pytest.raises(SettingError, match="The student has no value named 'nothing'"):
        named_pairs(teacher, teacher, [(name, "nothing")])
    graph = teacher.edit()
    relu = next(node for node in graph.graph if node.op_type == "Clip")
    graph.graph.insert_after(relu, ir.node("Abs", [relu.outputs[0]], outputs=[ir.val("aside")], name="aside"))
    with pytest.raises(SettingError, match="No output of the teacher depends on its value 'aside'"):
        named_pairs(Model(graph), teacher, [("aside", name)])


def test_importing_it_imports_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys; import studio.train.matching, studio.train.initialize; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
