"""Starts the window or the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from studio import child, cli


def main() -> int:
    """`compression-studio`: a command runs headless; no arguments, or a file, start the main job on it."""
    arguments = sys.argv[1:]
    if arguments[:1] == [child.FLAG]:  # a frozen app starts its own file to get a child process
        child.serve(int(arguments[1]))
        return 0
    if not arguments:
        return cli.main_job(None)
    if len(arguments) == 1 and arguments[0] not in cli.commands() and not arguments[0].startswith("-"):
        return cli.main_job(Path(arguments[0]))
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
