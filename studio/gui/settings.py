"""What the program remembers between starts: a small JSON file."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio import paths

_MOST_RECENT = 12
_LONGEST_PATH = 4096
#: Least and greatest value of what is a number.
RANGES: dict[str, tuple[Any, Any]] = {"threads": (0, 256), "seconds": (0.5, 60.0), "keep_variants": (1, 100)}


@dataclass
class Values:
    """Settings by name. What the file holds beyond these, in another type or out of range, is ignored."""

    theme: str = "system"
    language: str = ""  # empty for that of the system
    recent: list[str] = field(default_factory=list)
    folder: str = ""  # where the last file was opened
    export_folder: str = ""
    geometry: str = ""
    layout: str = ""
    columns: str = ""  # of the layer table
    shortcuts: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    device: str = "auto"
    seconds: float = 3.0
    open_document: str = ""  # the model that was open; emptied when the program ends as it should
    keep_variants: int = 8
    restore: bool = True


class Settings(QObject):
    """The settings; every change is written at once."""

    changed = Signal(str)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path or paths.config() / "settings.json"
        self.values = _read(self._path)

    def set(self, **values: Any) -> None:
        """Change settings and keep them, and only them: another window may have changed others meanwhile.

        A disk that cannot be written to costs only the memory of them.
        """
        kept = _read(self._path) if self._path.exists() else self.values
        for name, value in values.items():
            if getattr(self.values, name) != value:
                setattr(self.values, name, value)
                self.changed.emit(name)
            setattr(kept, name, value)
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            partial.write_text(json.dumps(dataclasses.asdict(kept), indent=1), "utf-8")
            partial.replace(self._path)

    def forget_open(self, path: str) -> None:
        """The model at `path` is closed as it should; one that another window has open stays noted."""
        if not self._path.exists() or _read(self._path).open_document in ("", path):
            self.set(open_document="")

    def opened(self, path: Path) -> None:
        """Put a file first on the recent list."""
        known = _read(self._path).recent if self._path.exists() else self.values.recent
        recent = [str(path), *(one for one in known if one != str(path))]
        self.set(recent=recent[:_MOST_RECENT], folder=str(path.parent))


def _read(path: Path) -> Values:
    values = Values()
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return values
    if isinstance(data, dict):
        for one in dataclasses.fields(Values):
            given = data.get(one.name)
            if type(given) is type(getattr(values, one.name)) and _fits(one.name, given):
                setattr(values, one.name, given)
    return values


def _fits(name: str, value: Any) -> bool:
    """Whether a value of the right type can be used: the file may have been edited, or be damaged."""
    if isinstance(value, list):
        return all(isinstance(one, str) and len(one) <= _LONGEST_PATH for one in value)
    if isinstance(value, str) and name in ("folder", "export_folder", "open_document"):
        return len(value) <= _LONGEST_PATH
    if isinstance(value, dict):
        return all(isinstance(one, str) for one in value.values())
    if name in ("geometry", "layout"):
        with contextlib.suppress(ValueError):
            base64.b64decode(value)
            return True
        return False
    if name in RANGES:
        low, high = RANGES[name]
        return math.isfinite(value) and low <= value <= high
    return True
