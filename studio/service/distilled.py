"""Teacher and student of a distillation step as the window draws them. Runs in the reader, without torch."""

from __future__ import annotations

from studio.graph.shapes import infer_shapes
from studio.job import Job
from studio.model import Model
from studio.recipe import Recipe
from studio.run import apply_recipe
from studio.service.distilled_values import Side, Sides, Suggestion
from studio.service.drawing import structure_of
from studio.service.layout import NODE
from studio.service.plans import step_of
from studio.service.reader import model_at
from studio.service.values import Plan
from studio.train.matching import attention_pairs, feature_pairs
from studio.train.trunk import channel_axis

#: Weights up to which the steps before a distillation are applied for the picture: others wait for the reader meanwhile.
MOST_BYTES = 200_000_000
_NO_FEATURES = "no inner values of the two models fit together: pick them by hand"
_FLOATS = ("", "float32", "float16", "float64", "bfloat16")
_students: dict[tuple[object, ...], Model] = {}


def sides(path: str, inputs: tuple[str, ...], plan: Plan, number: int, job: Job) -> Sides:
    """Both models of the distillation that is step `number` of a plan.

    Raises:
        ModelError: a model cannot be opened.
        SettingError: a step is not valid.
    """
    teacher, student, left_out = _models(path, inputs, plan, number, job)
    return Sides(side(teacher, job), side(student, job), left_out)


def suggest(path: str, inputs: tuple[str, ...], plan: Plan, number: int, attention: bool, job: Job) -> Suggestion:
    """Inner values of teacher and student that are worth matching, or attention maps.

    Raises:
        ModelError: a model cannot be opened.
        SettingError: a step is not valid.
    """
    teacher, student, _ = _models(path, inputs, plan, number, job)
    found, why_none = attention_pairs(teacher, student) if attention else (feature_pairs(teacher, student), _NO_FEATURES)
    return Suggestion(
        tuple(one.teacher.name for one in found),
        tuple(one.student.name for one in found),
        tuple(one.reason for one in found),
        "" if found else why_none,
    )


def side(model: Model, job: Job | None = None) -> Side:
    """The inner values of a model that can be matched."""
    job = job or Job()
    drawn, shapes = structure_of(model, job), infer_shapes(model)
    made = {value.name: value for node in model.ir.graph for value in node.outputs}
    kept = [
        n
        for n, (kind, value) in enumerate(zip(drawn.kinds.tolist(), drawn.written, strict=True))
        if kind == NODE and value and ((info := shapes.get(value)) is None or info.dtype in _FLOATS)
    ]
    values = [drawn.written[n] for n in kept]
    sizes = [info.shape or () if (info := shapes.get(value)) is not None else () for value in values]
    return Side(
        model.name,
        model.parameters,
        model.bytes,
        tuple(values),
        tuple(drawn.names[n] for n in kept),
        tuple(drawn.ops[n] for n in kept),
        tuple(bool(drawn.bytes[n]) for n in kept),
        tuple(sizes),
        tuple(size[channel_axis(made[value])] if len(size) > 1 else None for value, size in zip(values, sizes, strict=True)),
    )


def _models(path: str, inputs: tuple[str, ...], plan: Plan, number: int, job: Job) -> tuple[Model, Model, tuple[str, ...]]:
    original = model_at(path, inputs, job)
    settings = plan.steps[number].settings
    teacher = model_at(str(settings["teacher"]), (), job) if settings["teacher"] else original
    if settings["student"]:
        return teacher, model_at(str(settings["student"]), (), job), ()
    steps = tuple(step_of(one) for one in plan.steps[:number])
    applied = tuple(one for one in steps if not one.method.calibrates and original.bytes <= MOST_BYTES)
    left_out = tuple(one.method.name for one in steps if one not in applied)
    key = (original, applied, plan.seed)  # itself, not its address, which another may have later
    if key not in _students:
        stages = apply_recipe(original, Recipe(applied, plan.seed), None, job)
        _students.clear()
        _students[key] = stages[-1].model if stages else original
    return teacher, _students[key], left_out
