"""Method: what every compression method is, and how new ones are found."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import pkgutil
import types
import typing
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar

from studio.errors import RunError, SettingError
from studio.job import Job
from studio.model import Layer, Model
from studio.samples import Samples
from studio.setting import Setting


@dataclass(frozen=True)
class Outcome:
    """What a step did to one layer: `note` says what was changed, or why it was left alone."""

    layer: str
    changed: bool
    note: str


@dataclass(frozen=True)
class Preview:
    """What a step would do to one layer, before it runs.

    Attributes:
        bytes: predicted bytes of the layer's weights afterwards.
        threshold: magnitude below which weights become zero, or None.
        zeros: share of the main weight that would be zero, 0..1, or None.
        grid: (scale, zero point, lowest integer, highest integer) of a per-tensor grid, or None.
    """

    bytes: int
    threshold: float | None = None
    zeros: float | None = None
    grid: tuple[float, int, int, int] | None = None


class Context:
    """What a method works with besides the model: samples, a job to report to, a seed, and a place for outcomes."""

    def __init__(
        self,
        samples: Samples | None = None,
        job: Job | None = None,
        seed: int = 0,
        target: str = "cpu",
        original: Model | None = None,
    ) -> None:
        self.samples = samples
        self.job = job or Job()
        self.seed = seed
        self.target = target
        self.original = original  # the model before the first step of the recipe
        self.resolved: dict[str, Any] = {}
        self.notes: list[str] = []
        self._outcomes: dict[str, Outcome] = {}

    def changed(self, layer: str, note: str) -> None:
        """Say that a layer was changed and how."""
        self._outcomes[layer] = Outcome(layer, True, note)

    def left(self, layer: str, why: str) -> None:
        """Say that a layer was left alone and why."""
        self._outcomes[layer] = Outcome(layer, False, why)

    def note(self, sentence: str) -> None:
        """Say something about the model as a whole: a gain or a caution that belongs to no single layer."""
        self.notes.append(sentence)

    def resolve(self, **settings: Any) -> None:
        """Freeze choices that were made by measuring, so that the recipe replays to the same bytes."""
        self.resolved.update(settings)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return tuple(self._outcomes.values())

    def calibration(self) -> Samples:
        """The samples to calibrate on.

        Raises:
            RunError: there are none.
        """
        if self.samples is None:
            raise RunError("This step calibrates on samples", "none were given", "Give a folder or file of samples")
        return self.samples


@dataclass(frozen=True)
class Method:
    """A compression method: a frozen set of settings that turns one model into another.

    Subclasses are frozen dataclasses in a file of their own under `studio/methods/`. The first line of their
    docstring is the tooltip and the table row; their fields are declared with `setting`.
    """

    #: Name on the command line and in recipes.
    name: ClassVar[str] = ""
    #: Whether `apply` reads calibration samples.
    calibrates: ClassVar[bool] = False
    #: Whether the method works on the whole graph, so that a layer selection has no meaning.
    whole_model: ClassVar[bool] = False
    #: Whether the method is there for better answers, not for a smaller file.
    improves: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for one in self.settings():
            value = getattr(self, one.name)
            fault = one.fault(value)
            if fault:
                raise SettingError(f"{self.name}: {one.option} {fault}")
            if one.type is float and type(value) is int:
                object.__setattr__(self, one.name, float(value))
        why = self.contradiction()
        if why:
            raise SettingError(f"{self.name}: {why}")

    @classmethod
    def settings(cls) -> tuple[Setting, ...]:
        """The settings in the order they are declared."""
        hints = typing.get_type_hints(cls)
        found = []
        for one in dataclasses.fields(cls):
            kind = hints[one.name]
            if isinstance(kind, types.UnionType):
                raise TypeError(f"{cls.__name__}.{one.name}: a setting has one plain type")
            meta = one.metadata
            found.append(
                Setting(one.name, kind, one.default, meta["low"], meta["high"], meta["choices"], meta["help"], meta["unit"])
            )
        return tuple(found)

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def values(self) -> dict[str, Any]:
        """All settings by name."""
        return {one.name: getattr(self, one.name) for one in self.settings()}

    def changed_values(self) -> dict[str, Any]:
        """The settings that differ from their defaults."""
        return {one.name: getattr(self, one.name) for one in self.settings() if getattr(self, one.name) != one.default}

    @property
    def replaces(self) -> bool:
        """Whether the result is another model, with versions and names of axes of its own."""
        return False

    def contradiction(self) -> str | None:
        """Why these settings cannot stand together, or None."""
        return None

    def why_not(self, layer: Layer) -> str | None:
        """Why this method leaves `layer` alone, or None if it can work on it. Cheap: reads no weights."""
        return None

    def preview(self, layer: Layer) -> Preview:
        """What `apply` would do to `layer`; may read its weights."""
        return Preview(layer.bytes)

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        """Return a new model in which `layers` are compressed; `model` is not changed.

        `layers` holds only layers without a `why_not`. Every one of them gets an outcome: `context.changed` or
        `context.left`. The same model, layers, samples and seed give the same bytes.

        Raises:
            RunError: the step cannot be done on this model.
            Cancelled: the user asked to stop.
        """
        raise NotImplementedError


@cache
def all_methods() -> dict[str, type[Method]]:
    """Every method by name: the files of `studio.methods`, and entry points `compression_studio.methods`."""
    package = importlib.import_module("studio.methods")
    modules = [importlib.import_module(f"studio.methods.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    found = {}
    for module in modules:
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Method) and item.name and item.__module__ == module.__name__:
                found[item.name] = item
    for point in entry_points(group="compression_studio.methods"):
        try:
            found[point.name] = point.load()
        except Exception as error:  # a broken plug-in costs itself, not the studio
            logging.getLogger(__name__).warning("The method plug-in %s cannot be loaded: %s", point.name, error)
    return dict(sorted(found.items()))


def make_method(name: str, values: dict[str, Any]) -> Method:
    """Construct a method from its name and settings; option spelling (`per-channel`) is accepted.

    Raises:
        SettingError: no such method or setting, or a value is not allowed.
    """
    methods = all_methods()
    if name not in methods:
        raise SettingError(f"There is no method named {name!r}", todo=f"Choose one of {', '.join(methods)}")
    kind = methods[name]
    known = {one.name for one in kind.settings()}
    given = {str(key).replace("-", "_"): value for key, value in values.items()}
    for key in given:
        if key not in known:
            names = ", ".join(one.option for one in kind.settings()) or "none"
            raise SettingError(f"{name} has no setting {key.replace('_', '-')!r}", todo=f"Its settings are: {names}")
    return kind(**given)
