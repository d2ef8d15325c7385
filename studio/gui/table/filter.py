"""The filter above the layer table: the words of recipes, read without regard to case, and a few more."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate

import numpy as np
from numpy.typing import NDArray

from studio.gui.table.facts import Facts
from studio.gui.words import tr
from studio.selectors import COMPARE, is_pattern

_WORDS = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_KIND = re.compile(r"^([a-z]+):(.*)$", re.IGNORECASE | re.DOTALL)
_AMOUNT = re.compile(r"^([<>]=?)([0-9]+(?:\.[0-9]+)?)(%|[kmgt]?b?)$", re.IGNORECASE)
_UNITS = {"%": 0.01, "": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_AMOUNTS: dict[str, tuple[str, Callable[[Facts], NDArray]]] = {
    "size": (">1MB", lambda f: f.layers.bytes),
    "parameters": (">1M", lambda f: f.layers.parameters),
    "macs": (">100M", lambda f: np.where(f.columns.macs >= 0, f.columns.macs, np.nan)),
    "after": ("<100kB", lambda f: np.where(f.columns.after >= 0, f.columns.after, np.nan)),
    "sparsity": (">50%", lambda f: f.columns.sparsity),
    "share": (">5%", lambda f: f.columns.share),
}
_FEW = 6  # values listed in a sentence
KINDS = ("type", "block", "precision", "planned", *_AMOUNTS)


@dataclass(frozen=True)
class Filtered:
    """The layers a filter lets through, bool[n], and what is wrong with its words as a sentence; empty if nothing is."""

    mask: NDArray[np.bool_]
    fault: str = ""


def filtered(text: str, facts: Facts) -> Filtered:
    """The layers for which every word of `text` holds.

    A word is a part of a name, or a pattern of a whole name with `*` or `?`; `type:`, `block:`, `precision:` and
    `planned:` with a name or pattern; `size:`, `parameters:`, `macs:`, `after:`, `sparsity:` and `share:` with an amount
    such as `>1MB`. A leading `!` turns a word round; quotes hold a word with spaces together. A word that cannot be read
    is left out.
    """
    mask, faults = np.ones(len(facts), bool), []
    for quoted in _WORDS.findall(text):
        word = quoted.replace('"', "")
        wanted = not word.startswith("!")
        body = word.removeprefix("!")
        if not body:
            continue
        found = _holds(body, facts)
        if isinstance(found, str):
            faults.append(found)
            continue
        mask &= found.mask == wanted
        if wanted and found.fault:
            faults.append(found.fault)
    return Filtered(mask, faults[0] if faults else "")


def _holds(word: str, facts: Facts) -> Filtered | str:
    """The layers for which one word holds, or why it cannot be read."""
    split = _KIND.match(word)
    kind, rest = (split[1].lower(), split[2]) if split else ("", "")
    if kind in _AMOUNTS:
        return _amount(word, kind, rest, facts)
    if kind in KINDS and not rest:
        return tr("Nothing stands behind “{word}”.", word=word)
    if kind == "type":
        mask, kinds = _one_of(facts.layers.ops, rest)
        return Filtered(mask, "" if mask.any() else tr("No layer has the type {name}, only {kinds}.", name=rest, kinds=kinds))
    if kind == "precision":
        mask, kinds = _one_of(facts.layers.precisions, rest)
        return Filtered(mask, "" if mask.any() else tr("No layer is stored as {name}, only {kinds}.", name=rest, kinds=kinds))
    if kind == "planned":
        steps = [n for n, method in enumerate(facts.methods) if _like(method, rest)]
        mask = np.asarray(facts.touches[steps].any(axis=0))
        return Filtered(mask, "" if steps else tr("The recipe has no step {name}.", name=rest))
    if kind == "block":
        return _block(rest, facts)
    mask = _name(word, facts)
    if kind and not mask.any():
        words = ", ".join(f"{one}:" for one in KINDS)
        return Filtered(
            mask, tr("No name holds “{word}”, and “{kind}:” is none of {words}.", word=word, kind=kind, words=words)
        )
    return Filtered(mask)


def _amount(word: str, kind: str, rest: str, facts: Facts) -> Filtered | str:
    example, values = _AMOUNTS[kind]
    match = _AMOUNT.match(rest)
    if match is None:
        return tr("“{word}” holds no amount. Write for example {example}.", word=word, example=f"{kind}:{example}")
    limit = float(match[2]) * _UNITS[match[3].lower().removesuffix("b")]
    return Filtered(np.asarray(COMPARE[match[1]](values(facts), limit), bool))  # comparing with NaN is false


def _one_of(values: tuple[str, ...], pattern: str) -> tuple[NDArray[np.bool_], str]:
    """The layers whose value matches, and all values there are."""
    kinds = sorted(set(values))
    wanted = {one for one in kinds if _like(one, pattern)}
    shown = ", ".join(kinds[:_FEW]) + (", …" if len(kinds) > _FEW else "")
    return np.array([one in wanted for one in values], bool), shown


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text.casefold(), pattern.casefold())


def _block(scope: str, facts: Facts) -> Filtered:
    scope = scope.casefold().rstrip("/.")
    within = (scope + "/", scope + ".")
    mask = np.array([name == scope or name.startswith(within) for name in facts.lower], bool)
    return Filtered(mask, "" if mask.any() else tr("There is no block {name}.", name=scope))


def _name(word: str, facts: Facts) -> NDArray[np.bool_]:
    wanted = word.casefold()
    mask = np.array([wanted in name for name in facts.lower], bool)
    if is_pattern(wanted):
        pattern = re.compile(translate(wanted))
        mask |= np.array([pattern.match(name) is not None for name in facts.lower], bool)
    return mask
