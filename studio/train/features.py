"""Terms of an objective that compare inner values and attention maps of student and teacher, at several depths at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.errors import RunError, SettingError
from studio.model import Model
from studio.train.batch import TrainingBatch, real
from studio.train.matching import Pair, attention_pairs, feature_pairs, named_pairs
from studio.train.objective import Term, Values
from studio.train.spec import parse_pairs
from studio.train.trunk import Inner

#: Smallest probability whose logarithm is taken: masked keys have none.
_LEAST = 1e-8
#: Pairs that are matched unasked: more depths cost time and tell little more.
_MOST = 6


class Projection(nn.Module):
    """A linear map along one axis: of rows and tokens a linear layer, of images a convolution with a 1 x 1 kernel.

    It is trained along with the student and thrown away afterwards.

    Args:
        width, wanted: channels of what goes in and comes out.
        axis: the axis of the channels.
        seed: of the weights, which begin orthogonal: lengths and angles are kept as far as there is room.
    """

    def __init__(self, width: int, wanted: int, axis: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.axis = axis
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(wanted, width), generator=generator))
        self.bias = nn.Parameter(torch.zeros(wanted))

    def forward(self, value: Tensor) -> Tensor:
        return functional.linear(value.movedim(self.axis, -1), self.weight, self.bias).movedim(-1, self.axis)


class Features(Term):
    """Squared error between an inner value of the student and one of the teacher, over the teacher's variance.

    Where widths differ the student's value is projected first; where images differ in size the larger one is averaged down.

    Source: Romero et al., FitNets, arXiv 1412.6550, equation 3, on values of unit variance so that depths weigh alike.
    """

    def __init__(self, pair: Pair, weight: float, seed: int = 0) -> None:
        super().__init__("features", weight, (pair.student.name,), (pair.teacher.name,))
        self.pair = pair
        mine, theirs = pair.student, pair.teacher
        _comparable(pair)
        self.project = None if mine.width == theirs.width else Projection(mine.width, theirs.width, mine.axis, seed)

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, wanted = _values(self.pair, student, teacher, batch)
        own, wanted = _same_size(own, wanted, self.pair)
        if self.project is not None:
            own = self.project(own)
        return normalized_error(own, wanted)


class AttentionTransfer(Term):
    """Squared distance between where two values of convolutions or tokens are large: their mean squares over channels.

    Widths may differ without a projection. Source: Zagoruyko and Komodakis, arXiv 1612.03928, equation 2 (p = 2).
    """

    def __init__(self, pair: Pair, weight: float) -> None:
        super().__init__("attention", weight, (pair.student.name,), (pair.teacher.name,))
        self.pair = pair
        _comparable(pair)
        if len(pair.student.shape) < 3:
            what = f"{pair.teacher.name} and {pair.student.name} have no maps to compare"
            raise SettingError(what, "every row is one vector", "Choose values of convolutions or tokens")

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, wanted = _values(self.pair, student, teacher, batch)
        own, wanted = _same_size(own, wanted, self.pair)
        axis = self.pair.student.axis
        return (energy(own, axis) - energy(wanted, axis)).square().sum(1).mean()


class AttentionMaps(Term):
    """Kullback-Leibler divergence between attention maps [rows, heads, queries, keys], which hold probabilities of keys.

    Where heads differ in number, maps are averaged over heads. Source: Wang et al., MiniLM, arXiv 2002.10957, equation 5;
    Jiao et al., TinyBERT, arXiv 1909.10351, compare them layer by layer as this does.
    """

    def __init__(self, pair: Pair, weight: float) -> None:
        super().__init__("attention", weight, (pair.student.name,), (pair.teacher.name,))
        self.pair = pair

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, wanted = _values(self.pair, student, teacher, batch)
        if own.shape[1] != wanted.shape[1]:
            own, wanted = own.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
        if own.shape != wanted.shape:
            raise _different(self.pair, own, wanted)
        return map_divergence(own, wanted)


def features(pairs: Sequence[Pair], weight: float = 1.0, seed: int = 0) -> list[Term]:
    """One term per pair. Projections are drawn by `seed`.

    Raises:
        SettingError: two values cannot be compared.
    """
    return [Features(pair, weight, seed + number) for number, pair in enumerate(pairs)]


def attention(pairs: Sequence[Pair], weight: float = 1.0) -> list[Term]:
    """One term per pair: attention maps of transformers, or where values of convolutions are large.

    Raises:
        SettingError: two values cannot be compared.
    """
    return [AttentionMaps(pair, weight) if _maps(pair) else AttentionTransfer(pair, weight) for pair in pairs]


def inner_terms(
    teacher: Model, student: Model, pairs: str, attended: str, weights: Mapping[str, float], seed: int = 0
) -> tuple[list[Term], list[str]]:
    """Terms for the settings `pairs` and `attention` of a distillation, and notes on what was matched.

    Args:
        pairs, attended: as `studio.train.spec.parse_pairs` reads them. "auto" takes suggestions; for attention in a network
            without attention maps these are values of convolutions.
        weights: factor of "features" and "attention" in the sum; what is missing is not wanted.

    Raises:
        SettingError: two values cannot be compared, or there is no such value.
    """
    terms: list[Term] = []
    notes = []
    for name, text in (("features", pairs), ("attention", attended)):
        if name not in weights or parse_pairs(text) == ():
            continue
        named = parse_pairs(text)
        why = "no inner values of one kind and size were found"
        if named is not None:
            found = named_pairs(teacher, student, named)
        elif name == "features":
            found = feature_pairs(teacher, student, _MOST)
        else:
            found, why = attention_pairs(teacher, student, _MOST)
            images = [pair for pair in feature_pairs(teacher, student) if len(pair.student.sizes) > 1]
            found = found or images[-_MOST:]
        terms += features(found, weights[name], seed) if name == "features" else attention(found, weights[name])
        matched = "; ".join(f"{pair.teacher.name} => {pair.student.name} ({pair.reason})" for pair in found)
        notes.append(f"{name}: {matched}" if found else f"{name}: nothing was matched, because {why}")
    return terms, notes


def normalized_error(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error over the variance of the teacher's values; 1 is what guessing their mean would cost.

    Values that are all the same up to rounding have their square for a variance, and zeros have 1.
    """
    power, variance = teacher.square().mean(), (teacher - teacher.mean()).square().mean()
    unit = torch.where(variance > torch.finfo(variance.dtype).eps * power, variance, power)
    return (student - teacher).square().mean() / torch.where(unit > 0, unit, 1.0)


def energy(value: Tensor, axis: int = 1) -> Tensor:
    """[rows, ...] with channels on `axis` as unit vectors [rows, positions] of mean squares over channels."""
    return functional.normalize(value.square().mean(axis).flatten(1), dim=1)


def map_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """Kullback-Leibler divergence of probabilities on the last axis, the mean over everything else."""
    log_p, log_q = teacher.clamp_min(_LEAST).log(), student.clamp_min(_LEAST).log()
    return (teacher * (log_p - log_q)).sum(-1).mean()


def _maps(pair: Pair) -> bool:
    kinds = {"Softmax" in one.kind and len(one.shape) == 4 for one in (pair.teacher, pair.student)}
    if len(kinds) > 1:
        what = f"{pair.teacher.name} and {pair.student.name} cannot be compared"
        raise SettingError(what, "only one of them is an attention map", "Choose two outputs of Softmax, or two of layers")
    return kinds == {True}


def _comparable(pair: Pair) -> None:
    mine, theirs = pair.student, pair.teacher
    images = mine.axis == theirs.axis == 1
    if len(mine.shape) != len(theirs.shape) or mine.axis != theirs.axis:
        why = f"they have the shapes {_words(theirs)} and {_words(mine)}"
    elif not images and any(None not in (a, b) and a != b for a, b in zip(mine.sizes, theirs.sizes, strict=True)):
        why = f"their tokens differ in number: {_words(theirs)} and {_words(mine)}"
    else:
        return
    raise SettingError(f"{theirs.name} and {mine.name} cannot be compared", why, "Choose values of the same kind")


def _words(one: Inner) -> str:
    return "[" + ", ".join("?" if length is None else str(length) for length in one.shape) + "]"


def _values(pair: Pair, student: Values, teacher: Values, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
    return real(student[pair.student.name], batch).float(), real(teacher[pair.teacher.name], batch).float()


def _same_size(own: Tensor, wanted: Tensor, pair: Pair) -> tuple[Tensor, Tensor]:
    """Both at the smaller of their sizes, whatever their channels are."""
    axis = pair.student.axis
    if own.movedim(axis, -1).shape[:-1] == wanted.movedim(axis, -1).shape[:-1]:
        return own, wanted
    pool: dict[int, Callable[..., Tensor]] = {
        3: functional.adaptive_avg_pool1d,
        4: functional.adaptive_avg_pool2d,
        5: functional.adaptive_avg_pool3d,
    }
    if axis != 1 or own.ndim not in pool or len(own) != len(wanted):
        raise _different(pair, own, wanted)
    sizes = [min(a, b) for a, b in zip(own.shape[2:], wanted.shape[2:], strict=True)]
    return pool[own.ndim](own, sizes), pool[own.ndim](wanted, sizes)


def _different(pair: Pair, own: Tensor, wanted: Tensor) -> RunError:
    what = f"{pair.teacher.name} and {pair.student.name} cannot be compared"
    return RunError(what, f"they have the shapes {list(wanted.shape)} and {list(own.shape)}", "Leave this pair out")
