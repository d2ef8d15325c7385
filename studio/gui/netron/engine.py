"""The web engine of Qt: whether it is there, and how it must be started. Light to import: loads none of it."""

from __future__ import annotations

import os
from importlib.util import find_spec

from PySide6.QtCore import QCoreApplication, Qt

# The first four keep the engine from asking its maker's servers; the rule lets it find no name at all, this machine excepted.
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    '--host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"',
)


def installed() -> bool:
    """Whether the extra `web` is installed."""
    return find_spec("PySide6.QtWebEngineWidgets") is not None


_prepared = False


def prepare() -> None:
    """Set what the engine needs; call it before the application object is made. The engine is loaded when first shown."""
    global _prepared
    if not installed():
        return
    _prepared = True
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    given = os.environ.get("QTWEBENGINE_CHROMIUM_FLAGS", "")
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = " ".join([*filter(None, [given]), *(one for one in _FLAGS if one not in given)])
    # The engine's sandbox gives up rights of the user, which root cannot; without this it refuses to start as root.
    # Everybody else keeps the sandbox.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")


def prepared() -> bool:
    """Whether `prepare` found the engine. One that came later must not be started: as root it would end the program."""
    return _prepared
