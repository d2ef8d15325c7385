"""Step and Recipe: small immutable values that say what to do to a model; readable YAML both ways."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from studio.errors import SettingError
from studio.method import Method, make_method
from studio.model import Layer
from studio.selectors import check, choose

VERSION = 1
#: What every generator of random numbers takes.
LARGEST_SEED = (1 << 63) - 1


@dataclass(frozen=True)
class Step:
    """One method with its settings and the layers it is for.

    `layers` are selectors, read from left to right: a name or a name pattern (`*`, `?`), `type:Conv`,
    `block:encoder/0` (everything whose name starts with that scope), `size:>1MB` (bytes of the layer's weights).
    A leading `!` takes the matching layers out again. `("*",)` is every layer.
    """

    method: Method
    layers: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        if not self.layers:
            raise SettingError(f"{self.method.name}: the layer selection is empty", todo="Give '*' for every layer")
        for selector in self.layers:
            check(selector)

    def select(self, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """The layers this step is for; see `select_layers`."""
        return select_layers(layers, self.layers)


def select_layers(layers: tuple[Layer, ...], selectors: tuple[str, ...]) -> tuple[Layer, ...]:
    """The layers that `selectors` choose, in the order given.

    Raises:
        SettingError: a selector matches nothing.
    """
    names, ops = [layer.name for layer in layers], [layer.op for layer in layers]
    chosen = choose(selectors, names, ops, lambda: [layer.bytes for layer in layers])
    return tuple(layer for layer, wanted in zip(layers, chosen, strict=True) if wanted)


@dataclass(frozen=True)
class Recipe:
    """An ordered list of steps and the seed of everything random in them."""

    steps: tuple[Step, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if type(self.seed) is not int or not 0 <= self.seed <= LARGEST_SEED:
            raise SettingError(f"The seed must be a whole number from 0 to {LARGEST_SEED}", f"it is {self.seed!r}")

    def to_yaml(self) -> str:
        """The recipe as YAML; only settings that differ from their defaults are written."""
        items: list[Any] = []
        for step in self.steps:
            values = {k.replace("_", "-"): v for k, v in step.method.changed_values().items()}
            if values or step.layers != ("*",):
                item: Any = {step.method.name: values or None}
                if step.layers != ("*",):
                    item["layers"] = list(step.layers)
            else:
                item = step.method.name
            items.append(item)
        head: dict[str, Any] = {"version": VERSION} | ({"seed": self.seed} if self.seed else {})
        return yaml.safe_dump({**head, "steps": items}, sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, text: str) -> Recipe:
        """Read what `to_yaml` wrote, or what a person wrote in its form.

        Raises:
            SettingError: the text is not a recipe; says which part.
        """
        try:
            data = yaml.safe_load(text)
        except RecursionError:
            raise SettingError("The recipe is not valid YAML", "it nests too deep", "Correct the file") from None
        except (yaml.YAMLError, ValueError) as error:  # a date that does not exist is a ValueError
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}" if mark else str(error)
            raise SettingError("The recipe is not valid YAML", where, "Correct the file") from None
        if not isinstance(data, dict) or not isinstance(data.get("steps"), list):
            raise SettingError("The recipe has no list of steps", todo="Write 'steps:' followed by '- method' lines")
        for key in data:
            if key not in ("version", "seed", "steps"):
                raise SettingError(f"The recipe has an unknown entry {key!r}", todo="Known are version, seed and steps")
        version = data.get("version", VERSION)
        if version != VERSION:
            raise SettingError(f"The recipe has version {version}", f"this studio reads version {VERSION}", "Update the studio")
        return cls(tuple(_step(item, n) for n, item in enumerate(data["steps"], 1)), data.get("seed", 0))

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe file.

        Raises:
            SettingError: it cannot be read or is not a recipe.
        """
        try:
            text = Path(path).read_text("utf-8")
        except OSError as error:
            raise SettingError(f"The recipe {path} cannot be read", error.strerror or str(error)) from None
        except UnicodeDecodeError:
            raise SettingError(f"The recipe {path} is not a text file", todo="Give a YAML file") from None
        return cls.from_yaml(text)


def _step(item: Any, number: int) -> Step:
    if isinstance(item, str):
        return Step(make_method(item, {}))
    if not isinstance(item, dict):
        raise SettingError(
            f"Step {number} of the recipe is not a method", f"it is {item!r}", "Write '- method' or '- method: {...}'"
        )
    names = [key for key in item if key != "layers"]
    if len(names) != 1:
        raise SettingError(f"Step {number} of the recipe must name one method", f"it names {len(names)}")
    values = item[names[0]] or {}
    if not isinstance(values, dict):
        raise SettingError(f"The settings of step {number} ({names[0]}) are not a list of 'setting: value' lines")
    layers = item.get("layers", ["*"])
    if isinstance(layers, str):
        layers = [layers]
    if not isinstance(layers, list) or not all(isinstance(one, str) for one in layers):
        raise SettingError(f"The layers of step {number} ({names[0]}) are not a list of selectors")
    return Step(make_method(str(names[0]), values), tuple(layers))
