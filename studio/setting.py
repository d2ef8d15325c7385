"""Setting: one declared setting of a method, as forms, command line and documentation see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def setting(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    help: str,
    choices: tuple[Any, ...] | None = None,
    unit: str = "",
) -> Any:
    """Declare one setting of a method: its default, inclusive range or choices, unit and one-sentence help."""
    metadata = {"low": low, "high": high, "help": help, "choices": choices, "unit": unit}
    return field(default=default, metadata=metadata)


#: What is not written as a word.
_ABBREVIATIONS = {"ema": "EMA", "io": "I/O"}


def titled(name: str) -> str:
    """The name of a setting as a form shows it: "Per channel", "EMA"."""
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in name.split("_"))
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Setting:
    """One setting as forms, command line and documentation see it. `type` is bool, int, float or str."""

    name: str
    type: type
    default: Any
    low: float | None
    high: float | None
    choices: tuple[Any, ...] | None
    help: str
    unit: str

    @property
    def option(self) -> str:
        return self.name.replace("_", "-")

    @property
    def title(self) -> str:
        return titled(self.name)

    def parse(self, text: str) -> Any:
        """The value a user typed; text that is not of this setting's type comes back as it is, for `fault` to name."""
        if self.type is bool:
            words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
            return words.get(text.lower(), text)
        try:
            return self.type(text)
        except ValueError:
            return text

    def fault(self, given: Any) -> str | None:
        """Why a value is not allowed, as the end of a sentence, or None."""
        value: Any = float(given) if self.type is float and type(given) is int else given
        number: Any = value
        if type(value) is not self.type:
            return f"must be {_TYPE_WORDS[self.type]}, not {value!r}"
        if self.choices is not None and value not in self.choices:
            return f"must be one of {', '.join(map(str, self.choices))}, not {value}"
        low, high = self.low, self.high
        if number != number or (low is not None and number < low) or (high is not None and number > high):
            bounds = "a number"
            if low is not None and high is not None:
                bounds = f"between {low:g} and {high:g}"
            elif low is not None:
                bounds = f"at least {low:g}"
            elif high is not None:
                bounds = f"at most {high:g}"
            return f"must be {bounds}, not {value}"
        return None


_TYPE_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
