"""The settings of a distillation as the panel changes them: texts of losses and pairs, kept free of contradictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.train.spec import LossTerm, parse_losses, parse_pairs

Settings = dict[str, Any]
Pair = tuple[str, str]
#: What compares the pairs of each setting.
LOSS_OF = {"pairs": "features", "attention": "attention"}
AUTOMATIC = "auto"


def losses_text(terms: Iterable[LossTerm]) -> str:
    """Terms as the setting has them; "auto" for none."""
    return ", ".join(f"{one.name} {one.weight:g}" for one in terms) or AUTOMATIC


def pairs_text(pairs: Iterable[Pair]) -> str:
    """Pairs as the setting has them; empty for none."""
    return "; ".join(f"{teacher} => {student}" for teacher, student in pairs)


def with_losses(settings: Settings, terms: Iterable[LossTerm]) -> Settings:
    """The settings with these losses.

    Inner values are matched automatically where a new loss needs pairs, and no more where their loss is taken off. Pairs that
    are there stay where losses are no longer chosen automatically: so does what compares them.
    """
    terms, before, given = tuple(terms), parse_losses(settings["losses"]), dict(settings)
    for name, loss in LOSS_OF.items():
        compared = any(one.name == loss for one in terms)
        if compared and not settings[name]:
            given[name] = AUTOMATIC
        elif terms and settings[name] and not compared and not before:
            terms = (*terms, LossTerm(loss))
        elif terms and settings[name] and not compared:
            given[name] = ""
    return {**given, "losses": losses_text(terms)}


def with_pairs(settings: Settings, name: str, pairs: Iterable[Pair] | None) -> Settings:
    """The settings with these pairs in `pairs` or `attention`, None for automatic ones; the loss that compares them follows."""
    text = AUTOMATIC if pairs is None else pairs_text(pairs)
    terms, loss = parse_losses(settings["losses"]), LOSS_OF[name]
    if terms and text and all(one.name != loss for one in terms):
        terms = (*terms, LossTerm(loss))
    elif not text:
        terms = tuple(one for one in terms if one.name != loss)
    return {**settings, name: text, "losses": losses_text(terms)}


def with_student(settings: Settings, path: str) -> Settings:
    """The settings with another student; pairs of the one before mean nothing to it."""
    given = {**settings, "student": path, "initialize": settings["initialize"] and bool(path)}
    return without_named_pairs(given)


def with_assistants(settings: Settings, paths: Iterable[str]) -> Settings:
    """The settings with these models between teacher and student, whose inner values are others than those that were named."""
    given = {**settings, "assistants": "; ".join(paths)}
    return without_named_pairs(given) if given["assistants"] else given


def without_named_pairs(settings: Settings) -> Settings:
    """Pairs that were named become automatic: they are of other models."""
    return {**settings, **{name: AUTOMATIC for name in LOSS_OF if parse_pairs(settings[name])}}
