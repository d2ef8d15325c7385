"""Starts the window or the command line."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> int:
    """`compression-studio`: a command runs headless; no arguments, or a file, open the window.

    Where no window could be seen they do the main job: open, compress, measure, export.
    """
    try:
        return _main(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were still being imported
        print("Stopped.", file=sys.stderr)
        return 130


def _main(arguments: list[str]) -> int:
    from studio import child

    if arguments[:1] == [child.FLAG]:  # a frozen app starts its own file to get a child process
        child.enter(*arguments[1:])
        return 0
    for name in ("SIGTERM", "SIGHUP"):  # ended from outside, the program still takes its children and folders with it
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    if not arguments or (len(arguments) == 1 and _is_file(arguments[0])):
        path = Path(arguments[0]) if arguments else None
        if has_display():
            return window(path)
        from studio import cli

        return cli.main_job(path)
    from studio import cli

    return cli.main(arguments)


def _is_file(argument: str) -> bool:
    """Whether an argument means a file and not a command: those have neither a dot nor a separator."""
    path = Path(argument)
    return not argument.startswith("-") and (bool(path.suffix) or len(path.parts) > 1 or path.is_file())


def has_display() -> bool:
    """Whether a window could be seen."""
    if sys.platform in ("win32", "darwin"):
        return True
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    return platform not in ("offscreen", "minimal") and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def window(path: Path | None) -> int:
    """Open the window, on a model file if one is given."""
    try:
        from studio.gui import app
    except ImportError as error:
        print(f"The window cannot be opened: {error}. Install PySide6-Essentials and its system libraries.", file=sys.stderr)
        return 2
    return app.main(path)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
