"""Ctrl+C on the command line, sent as a real signal to a real process."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

#: Where tests run in the background, a shell lets all of their processes ignore Ctrl+C.
_WORK = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from studio.cli import _guard
from studio.cli.output import progress

def say(text):
    print(text, file=sys.__stdout__, flush=True)  # a progress bar takes what is printed for itself

def wait(job):
    while not job.finishing:
        job.check()
        time.sleep(0.01)

def work():
    with progress(sys.argv[1] == "quiet") as job:
        with job.improves():
            job.progress(0.5, "training")
            say("training")
            wait(job)
            say("asked to finish")
            while sys.argv[2] == "slow":
                job.check()
                time.sleep(0.01)
        say("measuring")
        time.sleep(60)

sys.exit(_guard(work))
"""
_SENTENCE = "Finishing with the best so far; press Ctrl+C again to cancel."


def _start(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WORK, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True)


def _hears(work: subprocess.Popen[str], line: str) -> None:
    assert work.stdout is not None
    assert work.stdout.readline() == f"{line}\n"


def _read_all(terminal: int, said: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # what a terminal answers when nobody writes any more
        while data := os.read(terminal, 4096):
            said.append(data)


@pytest.mark.parametrize("quiet", ["quiet", "loud"])
def test_the_first_finishes_training_and_what_follows_is_stopped_at_once(quiet: str) -> None:
    work = _start(quiet, "fast")
    _hears(work, "training")
    os.killpg(work.pid, signal.SIGINT)
    _hears(work, "asked to finish")
    _hears(work, "measuring")
    os.killpg(work.pid, signal.SIGINT)
    _, said = work.communicate(timeout=30)
    assert (work.returncode, said) == (130, f"{_SENTENCE}\nStopped.\n")


def test_the_second_cancels_training() -> None:
    work = _start("quiet", "slow")
    _hears(work, "training")
    os.killpg(work.pid, signal.SIGINT)
    _hears(work, "asked to finish")
    os.killpg(work.pid, signal.SIGINT)
    said, complained = work.communicate(timeout=30)
    assert (work.returncode, said, complained) == (130, "", f"{_SENTENCE}\nStopped.\n")


def test_on_a_terminal_the_sentence_stands_above_the_bar() -> None:
    ours, theirs = pty.openpty()
    work = _start("loud", "fast", stderr=theirs)
    os.close(theirs)
    said: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(ours, said))  # a terminal that nobody reads stops who writes to it
    reader.start()
    _hears(work, "training")
    os.killpg(work.pid, signal.SIGINT)
    _hears(work, "asked to finish")
    _hears(work, "measuring")
    os.killpg(work.pid, signal.SIGINT)
    assert work.wait(30) == 130
    reader.join(30)
    os.close(ours)
    assert _SENTENCE in b"".join(said).decode()
    assert "training" in b"".join(said).decode()
    assert work.stdout is not None
    work.stdout.close()
