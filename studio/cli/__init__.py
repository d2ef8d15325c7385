"""The studio on a terminal: the same nouns, the same functions, no window.

Every command takes `--json`. People get tables on stdout and progress on stderr. A user error is one line on stderr
and exit code 2.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer
from typer.exceptions import TyperException

from studio.cli import bench, compress, show
from studio.errors import Cancelled, StudioError
from studio.paths import cache
from studio.train.launch import rank

app = typer.Typer(
    name="compression-studio",
    help="Compress neural networks and see what every step cost. Without a command: the window.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in (show.inspect, show.methods, bench.bench, bench.evaluate, show.report, show.devices):
    app.command()(_command)
_HELP = "Apply a recipe to a model, measure what every step cost, and export the result."
app.command("compress", help=_HELP)(compress.compress_command())
app.add_typer(compress.apply_app(), name="apply")


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 2 for a user error, 130 when interrupted."""
    arguments = spread_layers(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(app)
    return _guard(lambda: command.main(arguments, prog_name="compression-studio", standalone_mode=False))


def main_job(path: Path | None) -> int:
    """Open a model (a sample model if none is given), compress it, measure, export: what the window does, headless."""
    return _guard(lambda: compress.main_job(path))


def _guard(work: Callable[[], int | None]) -> int:
    """Do the work and turn expected failures into one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character shows another instead of failing
            stream.reconfigure(errors="replace")
    try:
        code = work() or 0
        if code == 130:  # how the command line library tells of an interrupt
            print("Stopped.", file=sys.stderr)
        return code
    except TyperException as error:
        text = " ".join(error.format_message().split())
        return _fail(text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")) if text else 2
    except StudioError as error:
        return _fail(str(error))
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _crash(error)


def _crash(error: Exception) -> int:
    """Something nobody expected: the traceback goes to a file, the user gets one line."""
    text = "".join(traceback.format_exception(error))
    try:
        file = cache() / "crash.txt"
        file.write_text(text, "utf-8")
        details = f"Details for a report: {file}"
    except OSError as failed:  # a home that cannot be written to
        details = f"Details for a report could not be written: {failed}"
    _fail(f"Something went wrong inside the studio: {type(error).__name__}: {error}. {details}")
    return 1


def _fail(text: str) -> int:
    """Tell an error. Of processes that train together each meets the same ones before training, and the first tells them."""
    if rank() and not _training_began():
        return 2
    print(" ".join(text.split()), file=sys.stderr)
    return 2


def _training_began() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and torch.distributed.is_initialized()


def spread_layers(arguments: list[str]) -> list[str]:
    """`--layers A B C` means `--layers A --layers B --layers C`: selectors end at the next option."""
    spread: list[str] = []
    after = 0  # selectors seen since --layers, plus one; 0 outside of a selection
    for argument in arguments:
        if argument == "--layers":
            after = 1
        elif argument.startswith("-") and argument != "-":
            after = 0
        elif after:
            if after > 1:
                spread.append("--layers")
            after += 1
        spread.append(argument)
    return spread
