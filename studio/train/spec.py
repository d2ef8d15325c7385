"""The small languages of training settings, parsed: which losses with what weights, schedules by step, and pairs of values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from studio.errors import SettingError

#: Every loss by name, with what it compares. The functions are in `studio.train.losses`.
LOSSES = {
    "soft": "class probabilities softened by the temperature (Kullback-Leibler divergence)",
    "hard": "the class the teacher chooses",
    "truth": "the labels, by the loss that fits the task",
    "logits": "outputs before softmax or sigmoid (squared error)",
    "cosine": "directions of output vectors",
    "bce": "probabilities of independent labels (binary cross entropy)",
    "regression": "output values (squared error over the teacher's variance)",
    "huber": "output values (squared error, linear for outliers)",
    "pairwise": "the order of each two rows of a group (RankNet)",
    "margin": "the order of each two rows of a group (hinge)",
    "listwise": "the order of the rows of a group (ListNet)",
    "lambda": "the order of the rows of a group, weighed by the gain in NDCG (LambdaRank)",
    "features": "inner values of matched layers",
    "attention": "maps of where matched layers look",
}
_ENDS = re.compile(r";(?=\s|$)")  # of a pair or a path
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"


@dataclass(frozen=True)
class LossTerm:
    """One loss and its weight in the sum."""

    name: str
    weight: float = 1.0


def parse_losses(text: str) -> tuple[LossTerm, ...]:
    """ "soft 1, features 0.5" as terms; "auto" and "" are no terms: the caller chooses. A weight left out is 1.

    Raises:
        SettingError: a name or weight is not valid, or a name comes twice.
    """
    if text.strip() in ("", "auto"):
        return ()
    terms: dict[str, LossTerm] = {}
    for piece in text.split(","):
        words = piece.split()
        if not words or len(words) > 2 or (len(words) == 2 and not re.fullmatch(_NUMBER, words[1])):
            raise SettingError(f"{piece.strip()!r} is not a loss", todo='Write names and weights, such as "soft 1, truth 0.1"')
        if words[0] not in LOSSES:
            raise SettingError(f"There is no loss named {words[0]!r}", todo=f"Choose from {', '.join(LOSSES)}")
        if words[0] in terms:
            raise SettingError(f"The loss {words[0]!r} is named twice")
        terms[words[0]] = LossTerm(words[0], float(words[1]) if len(words) == 2 else 1.0)
    if not any(term.weight > 0 for term in terms.values()):
        raise SettingError("At least one loss must have a weight above 0")
    return tuple(terms.values())


@dataclass(frozen=True)
class Sparsity:
    """How the share of zeros changes with the steps of a training.

    Attributes:
        kind: "constant", "polynomial" (Zhu and Gupta, arXiv 1710.01878) or "steps".
        final: the share at the end, 0..1.
        points: for "steps": (first step, share), in order of the steps.
    """

    kind: str
    final: float
    points: tuple[tuple[int, float], ...] = ()


def parse_sparsity(text: str) -> Sparsity | None:
    """ "constant 0.5", "polynomial 0.75" or "0: 0, 100: 0.5, 400: 0.75"; "" is None.

    Raises:
        SettingError: it is none of these, a share is not in 0..1, or steps do not grow.
    """
    text = text.strip()
    if not text:
        return None
    todo = 'Write "constant 0.5", "polynomial 0.75" or "0: 0, 100: 0.5, 400: 0.75"'
    match = re.fullmatch(rf"(constant|polynomial)\s+({_NUMBER})", text)
    if match:
        points: tuple[tuple[int, float], ...] = ()
        kind, final = match[1], float(match[2])
    else:
        pieces = [re.fullmatch(rf"\s*(\d+)\s*:\s*({_NUMBER})\s*", piece) for piece in text.strip("{}").split(",")]
        if not all(pieces):
            raise SettingError(f"{text!r} is not a schedule of sparsity", todo=todo)
        points = tuple((int(piece[1]), float(piece[2])) for piece in pieces if piece)
        if any(b[0] <= a[0] for a, b in pairwise(points)):
            raise SettingError("The steps of a schedule of sparsity must grow", todo=todo)
        kind, final = "steps", points[-1][1]
    if not all(0 <= share <= 1 for share in (final, *(share for _, share in points))):
        raise SettingError("A share of zeros must be between 0 and 1", todo=todo)
    return Sparsity(kind, final, points)


@dataclass(frozen=True)
class Ranges:
    """Whether the quantization ranges of activations follow the data while weights are trained.

    Attributes:
        follow: whether they do at all.
        until: the step from which they stay as they are; None for never.
    """

    follow: bool = False
    until: int | None = None


def parse_ranges(text: str) -> Ranges:
    """ "fixed", "follow" or "follow until 300".

    Raises:
        SettingError: it is none of these.
    """
    match = re.fullmatch(r"\s*(fixed|follow(?:\s+until\s+(\d+))?)\s*", text)
    if match is None:
        raise SettingError(f"{text!r} does not say what ranges do", todo='Write "fixed", "follow" or "follow until 300"')
    return Ranges(match[1] != "fixed", int(match[2]) if match[2] else None)


def parse_pairs(text: str) -> tuple[tuple[str, str], ...] | None:
    """ "teacher value => student value; ..." as pairs; None for "auto"; () for "". Names may hold semicolons: none ends a pair
    unless a blank follows.

    Raises:
        SettingError: a pair has no arrow or an empty side.
    """
    if text.strip() == "auto":
        return None
    pairs = []
    for piece in _ENDS.split(text):
        if not piece.strip():
            continue
        teacher, arrow, student = (part.strip() for part in piece.partition("=>"))
        if not (teacher and arrow and student):
            raise SettingError(f"{piece.strip()!r} is not a pair of values", todo='Write "teacher value => student value; ..."')
        pairs.append((teacher, student))
    return tuple(pairs)


def parse_paths(text: str) -> tuple[str, ...]:
    """ "large.onnx; middle.onnx" as paths, which may hold semicolons that no blank follows."""
    return tuple(piece.strip() for piece in _ENDS.split(text) if piece.strip())
