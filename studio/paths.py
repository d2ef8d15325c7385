"""Where things lie: the shipped resources and sample models, and the user's cache."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs

_HERE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    installed = _HERE / "_data" / name
    return installed if installed.is_dir() else _HERE.parent / name


def resources() -> Path:
    """The folder with icons, themes and report templates."""
    return _shipped("resources")


def sample_models() -> Path:
    """The folder with the shipped sample models and their evaluation data."""
    return _shipped("sample_models")


def cache() -> Path:
    """A private folder for things that can be made again. `STUDIO_CACHE` moves it."""
    return _made(Path(os.environ.get("STUDIO_CACHE") or platformdirs.user_cache_path("compression-studio")))


def why_not_writable(path: Path) -> str | None:
    """Why no file can be written at `path`, as the end of a sentence, or None; asked before long work is done for it."""
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return None if os.access(path.parent, os.W_OK) else f"the folder {path.parent} is read-only"


def config() -> Path:
    """The folder of the program's settings. `STUDIO_HOME` moves it."""
    return _made(_home("config") or platformdirs.user_config_path("compression-studio"))


def documents() -> Path:
    """The folder in which the window keeps recipes and compressed models. `STUDIO_HOME` moves it."""
    return _made(_home("documents") or platformdirs.user_data_path("compression-studio") / "documents")


def checkpoints() -> Path:
    """The folder in which trainings keep what they go on from after an interruption. `STUDIO_HOME` moves it."""
    return _made(_home("checkpoints") or platformdirs.user_data_path("compression-studio") / "checkpoints")


def _home(name: str) -> Path | None:
    home = os.environ.get("STUDIO_HOME")
    return Path(home) / name if home else None


def _made(folder: Path) -> Path:
    """The folder, there if it can be; what is written into it later says why it cannot."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
