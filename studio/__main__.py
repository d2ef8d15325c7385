"""Starts the window or the command line."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> int:
    """`compression-studio`: a command runs headless; no arguments, or a file, start the main job on it."""
    try:
        return _main(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were still being imported
        print("Stopped.", file=sys.stderr)
        return 130


def _main(arguments: list[str]) -> int:
    from studio import child

    if arguments[:1] == [child.FLAG]:  # a frozen app starts its own file to get a child process
        child.serve(int(arguments[1]))
        return 0
    for name in ("SIGTERM", "SIGHUP"):  # ended from outside, the program still takes its children and folders with it
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    from studio import cli

    if not arguments:
        return cli.main_job(None)
    if len(arguments) == 1 and arguments[0] not in cli.commands() and not arguments[0].startswith("-"):
        return cli.main_job(Path(arguments[0]))
    return cli.main(arguments)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
