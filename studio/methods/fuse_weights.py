"""Weights of several models made into one: interpolation with the teacher, soups, moving averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio import formats
from studio.errors import RunError
from studio.graph.average import Pairs, average, kept_by, matched, scattered, unequal
from studio.graph.together import different_interface, together, why_not_together
from studio.job import Job
from studio.measure.fidelity import compare
from studio.measure.task import evaluate
from studio.method import Context, Method
from studio.model import Layer, Model
from studio.setting import setting
from studio.train.spec import parse_paths


@dataclass(frozen=True)
class FuseWeights(Method):
    """Average the weights of this model with those of its teacher, of other runs, or of its own checkpoints.

    Modes: `interpolate` is alpha * teacher + (1 - alpha) * this model; `soup` starts from the best model and adds each
    further one, best first, only if the average does not get worse; `ema` is the exponential moving average over files in the
    order of their age, this model last. Layers are matched by name, else by position, and quantized weights are averaged in
    the values they mean and rounded to this model's grid. A narrower model than the teacher is put back into the teacher's
    channels where it is known which ones it kept; if weights cannot be averaged, `interpolate` joins both models into one file
    that averages their outputs.

    Sources: Wortsman et al., Model soups, arXiv 2203.05482 (greedy recipe); Wortsman et al., Robust fine-tuning of zero-shot
    models, arXiv 2109.01903 (interpolation).
    """

    name: ClassVar[str] = "fuse-weights"
    whole_model: ClassVar[bool] = True
    improves: ClassVar[bool] = True

    mode: str = setting(
        "interpolate", choices=("interpolate", "soup", "ema"), help="With the teacher, a greedy soup, or a moving average."
    )
    models: str = setting(
        "", help='Other model files, "b.onnx; c.onnx"; empty takes the model before the first step (mode interpolate).'
    )
    alpha: float = setting(0.5, 0.0, 1.0, help="Share of the teacher (mode interpolate).")
    decay: float = setting(0.9, 0.0, 1.0, help="Share of the average that each newer file leaves in place (mode ema).")

    def contradiction(self) -> str | None:
        for name, mode in (("alpha", "interpolate"), ("decay", "ema")):
            if self.mode != mode and name in self.changed_values():
                return f"{name} has no meaning in mode {self.mode}"
        if self.mode != "interpolate" and not self._paths:
            return f"mode {self.mode} needs the files of other models"
        if self.mode == "interpolate" and len(self._paths) > 1:
            return "mode interpolate takes one other model"
        return None

    @property
    def _paths(self) -> tuple[str, ...]:
        return parse_paths(self.models)

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        context.job.progress(0.0, "open")
        others = [formats.load(path, context.job.part(0.0, 0.2)) for path in self._paths]
        job = context.job.part(0.2, 1.0)
        if self.mode == "soup":
            return self._soup(model, others, context, job)
        if self.mode == "ema":
            return self._moving(model, others, context, job)
        return self._interpolate(model, others[0] if others else context.original or model, context, job)

    def _interpolate(self, model: Model, teacher: Model, context: Context, job: Job) -> Model:
        if why := different_interface(model, teacher):
            raise _refusal(model, teacher, why)
        pairs = matched(model, teacher)
        why = pairs if isinstance(pairs, str) else unequal(pairs)
        if why is None and not isinstance(pairs, str):
            try:
                fused = average(model, 1 - self.alpha, [(pairs, self.alpha)], job)
            except RunError as error:
                why = error.why
            else:
                return self._told(model, fused, context, f"{self.alpha:g} of {teacher.name}, {1 - self.alpha:g} of this model")
        elif not isinstance(pairs, str):
            kept = kept_by(model, teacher, pairs)
            versions = [(one.opset, one.ir.ir_version) for one in (model, teacher)]
            if not isinstance(kept, str) and versions[0] == versions[1]:
                fused = scattered(model, teacher, pairs, kept, self.alpha, job)
                context.note(
                    f"The model has the channels of {teacher.name} again, {fused.bytes:,} instead of {model.bytes:,} bytes"
                )
                return self._told(model, fused, context, "put back into the channels it came from")
            why = f"{why}; {kept if isinstance(kept, str) else 'their files are of different versions'}"
        return self._outputs(model, teacher, why or "", context)

    def _outputs(self, model: Model, teacher: Model, why: str, context: Context) -> Model:
        if no := why_not_together(model, teacher):
            raise _refusal(model, teacher, f"{why}; nor can their outputs be averaged: {no}")
        if context.samples is not None and context.samples.state:
            raise _refusal(model, teacher, f"{why}; and each would need a recurrent state of its own")
        both = together(model, teacher, self.alpha)
        context.note(
            f"The weights cannot be averaged ({why}), so the file holds both models and averages their outputs:"
            f" {both.bytes:,} instead of {model.bytes:,} bytes, and the time of both"
        )
        for layer in model.layers:
            context.left(layer.name, "the outputs are averaged, not the weights")
        return both

    def _moving(self, model: Model, others: list[Model], context: Context, job: Job) -> Model:
        run = [*others, model]
        shares = [(1 - self.decay) * self.decay ** (len(run) - 1 - n) for n in range(len(run))]
        shares[0] = self.decay ** (len(run) - 1)
        parts = [(_paired(model, other), share) for other, share in zip(others, shares, strict=False)]
        fused = average(model, shares[-1], parts, job)
        return self._told(model, fused, context, f"moving average over {len(run)} models")

    def _soup(self, model: Model, others: list[Model], context: Context, job: Job) -> Model:
        score = _Score(model, context)
        pairs = {id(other): _paired(model, other) for other in others}
        parts = iter(job.part(n / (2 * len(others) + 1), (n + 1) / (2 * len(others) + 1)) for n in range(2 * len(others) + 1))
        scored = [(score(_mean(model, [one], pairs), next(parts)), n, one) for n, one in enumerate([model, *others])]
        scored.sort(key=lambda entry: entry[:2])
        best, _, first = scored[0]
        ingredients, soup = [first], _mean(model, [first], pairs)
        for _, _, one in scored[1:]:
            candidate = _mean(model, [*ingredients, one], pairs)
            worth = score(candidate, next(parts))
            if worth <= best:
                best, soup = worth, candidate
                ingredients.append(one)
        names = ", ".join("this model" if one is model else one.name for one in ingredients)
        context.note(f"The soup holds {len(ingredients)} of {len(scored)} models, chosen by {score.words}: {names}")
        return self._told(model, soup, context, f"mean of {len(ingredients)} models")

    def _told(self, model: Model, fused: Model, context: Context, note: str) -> Model:
        """Say of every layer what became of it."""
        now = {layer.name: layer for layer in fused.layers}
        for layer in model.layers:
            if layer.name in now and _tensors(now[layer.name]) == _tensors(layer):
                context.left(layer.name, "its weights came out as they were")
            else:
                context.changed(layer.name, note)
        if fused is not model and any(layer.op == "BatchNormalization" for layer in model.layers):
            context.note("Running statistics of batch normalization were averaged too; taken anew from data they may do better")
        return fused


class _Score:
    """How bad a model is on the calibration rows, lower is better: by their labels, else by its error against the teacher."""

    def __init__(self, model: Model, context: Context) -> None:
        self.samples, self.teacher = context.calibration(), context.original or model
        self.labeled = self.samples.labels(self.samples.rows("calibration", 1)) is not None
        self.words = "their output error against the model before the first step, on the calibration rows"
        if not self.labeled and self.teacher is model:
            what = "Nothing tells which models a soup should hold"
            raise RunError(what, "there are no labels, and no earlier model to compare with", "Give labeled samples")

    def __call__(self, model: Model, job: Job) -> float:
        if not self.labeled:
            return compare(self.teacher, model, self.samples, part="calibration", job=job).error
        metric = evaluate(model, self.samples, part="calibration", job=job)[0]
        self.words = f"{metric.name} on the calibration rows"
        return -metric.value if metric.better == "higher" else metric.value


def _paired(model: Model, other: Model) -> Pairs:
    pairs = matched(model, other)
    why = pairs if isinstance(pairs, str) else unequal(pairs)
    if why is not None or isinstance(pairs, str):
        raise _refusal(model, other, why or "")
    return pairs


def _mean(model: Model, ingredients: list[Model], pairs: dict[int, Pairs]) -> Model:
    """The average of some models in the graph of `model`."""
    share = 1 / len(ingredients)
    others = [(pairs[id(one)], share) for one in ingredients if one is not model]
    return average(model, share * (len(ingredients) - len(others)), others)


def _tensors(layer: Layer) -> set[int]:
    return {id(weight.tensor) for weight in layer.weights}


def _refusal(model: Model, other: Model, why: str) -> RunError:
    todo = "Choose a model with the same inputs, outputs and layers"
    return RunError(f"{model.name} and {other.name} cannot be made into one model", why, todo)
