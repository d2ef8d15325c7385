"""Every failure a user can cause or meet, as one tree of exceptions.

StudioError            what happened, why, and what to do: shown as one message, exit code 2
├── ModelError         a model file that cannot be opened, or must not be
│   ├── InputsNeeded   one that opens once the caller says what its inputs look like
│   └── NotOnnx        one that was read as ONNX and is none
├── SamplesError       data that cannot be read, or does not fit the model
├── SettingError       a setting, selector or recipe that cannot be constructed
├── RunError           a model that cannot be executed, or a step that cannot be applied
├── ExportError        a result that could not be written; what was there before is still there
└── WorkerError        a child process that died or was ended
Cancelled              the user asked to stop: not an error

All of them are here: they cross process boundaries, and a process that is told of one must not have to import what raised it.
"""


class StudioError(Exception):
    """An expected failure, told in one sentence of up to three parts.

    Args:
        what: what happened, without a final period.
        why: the cause, if it is known.
        todo: what the user can do about it.
    """

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        self.what, self.why, self.todo = what, why, todo
        super().__init__(what, why, todo)

    def __str__(self) -> str:
        text = self.what + (f": {self.why}" if self.why else "")
        return (f"{text}. {self.todo}" if self.todo else text).rstrip(".") + "."

    def __reduce__(self):  # exceptions cross process boundaries
        return type(self), (self.what, self.why, self.todo), self.__dict__


class ModelError(StudioError):
    """A model file cannot be opened, or opening it would not be safe."""


class InputsNeeded(ModelError):
    """A model file does not say what its inputs look like. `names` are those it takes, in order."""

    names: tuple[str, ...] = ()


class NotOnnx(ModelError):
    """A file was read as ONNX because nothing else claimed it, and it is not."""


class SamplesError(StudioError):
    """Samples cannot be read or do not fit the model."""


class SettingError(StudioError):
    """A setting, a layer selector or a recipe is not valid."""


class RunError(StudioError):
    """A model cannot be executed, or a step cannot be applied to it."""


class ExportError(StudioError):
    """A result could not be written. Whatever stood at the target is untouched."""


class WorkerError(StudioError):
    """A child process died or was ended before it answered. `doing` is the last progress text it sent."""

    doing = ""


class Cancelled(Exception):
    """The user asked to stop."""
