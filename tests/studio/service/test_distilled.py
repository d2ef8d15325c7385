"""Teacher and student as columns, the steps before the distillation applied, and pairs worth matching."""

from __future__ import annotations

from pathlib import Path

from studio.job import Job
from studio.method import all_methods
from studio.service.distilled import sides, suggest
from studio.service.values import Plan, PlannedStep


def _step(method: str, **values: object) -> PlannedStep:
    return PlannedStep(method, {one.name: one.default for one in all_methods()[method].settings()} | values)


def test_columns_hold_every_value_with_floats(digit_mlp: Path) -> None:
    found = sides(str(digit_mlp), (), Plan((_step("distill"),)), 0, Job())
    assert found.teacher == found.student
    assert found.teacher.ops == ("Gemm", "Relu", "Gemm", "Relu", "Gemm")
    assert found.teacher.weighted == (True, False, True, False, True)
    assert found.teacher.shapes[0] == (1, 256)
    assert found.teacher.widths == (256, 256, 128, 128, 10)
    assert found.teacher.parameters == 235_146


def test_the_student_is_what_the_steps_before_make_of_the_model(image_net: Path) -> None:
    plan = Plan((_step("clean"), _step("static-int8"), _step("distill")))
    found = sides(str(image_net), (), plan, 2, Job())
    assert "BatchNormalization" in found.teacher.ops
    assert "BatchNormalization" not in found.student.ops  # folded by clean
    assert found.left_out == ("static-int8",)  # it needs samples
    assert found.student.widths[:2] == (24, 24)


def test_pairs_are_values_of_both_models_with_a_reason(image_net: Path) -> None:
    plan = Plan((_step("clean"), _step("distill")))
    found, both = suggest(str(image_net), (), plan, 1, False, Job()), sides(str(image_net), (), plan, 1, Job())
    assert len(found.teachers) == len(found.students) == len(found.reasons) > 4
    assert set(found.teachers) <= set(both.teacher.values)
    assert set(found.students) <= set(both.student.values)
    assert set(found.reasons) == {"the same value"}


def test_a_model_without_attention_says_so(digit_mlp: Path) -> None:
    found = suggest(str(digit_mlp), (), Plan((_step("distill"),)), 0, True, Job())
    assert found.teachers == ()
    assert found.why_none == "the teacher has no attention"


def test_attention_maps_are_matched(text_encoder: Path) -> None:
    found = suggest(str(text_encoder), (), Plan((_step("distill"),)), 0, True, Job())
    assert found.teachers == found.students
    assert len(found.teachers) == 2


def test_a_teacher_of_another_file(digit_mlp: Path, image_net: Path) -> None:
    plan = Plan((_step("distill", teacher=str(image_net)),))
    found = sides(str(digit_mlp), (), plan, 0, Job())
    assert "Conv" in found.teacher.ops
    assert "Conv" not in found.student.ops
