"""Teacher chains: the teacher teaches a model of middle size, which teaches a smaller one, which teaches the student.

Source: Mirzadeh et al., Improved Knowledge Distillation via Teacher Assistant, arXiv 1902.03393.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from studio import formats
from studio.errors import ModelError, RunError
from studio.graph.serialize import digest, write
from studio.graph.together import different_interface
from studio.job import Job
from studio.method import Context
from studio.model import Model
from studio.train.checkpoint import versions
from studio.train.rows import opened

#: Trains a model to answer as another does: (student, context whose `original` is the teacher) -> trained student.
Teach = Callable[[Model, Context], Model]


class Chain:
    """Assistants between a teacher and a student, each taught by the one before.

    A trained assistant is kept in `home` until `forget`, so that a chain that was interrupted does not train it again.

    Args:
        assistants: from the one nearest to the teacher to the one nearest to the student.
        teach: trains one of them.
        settings: everything beside models, samples and seed that decides the result, for the name of what is kept.
        home: folder to keep trained assistants in; None keeps none.
    """

    def __init__(self, assistants: Sequence[Model], teach: Teach, settings: dict[str, object], home: Path | None) -> None:
        self.assistants, self.teach, self.home = tuple(assistants), teach, home
        self._settings = settings
        self._kept: list[Path] = []

    def last(self, teacher: Model, context: Context) -> Model:
        """The assistant that teaches the student: the last one, once all are trained.

        Progress covers all of the context's job; what is said of each assistant is noted under its name.

        Raises:
            RunError: an assistant does not take or return what the teacher does.
            Cancelled: the job was cancelled; assistants that were finished are kept.
        """
        for one in self.assistants:
            if why := different_interface(teacher, one):
                what = f"{one.name} cannot stand between teacher and student"
                raise RunError(what, why, "Give a model with the same inputs and outputs")
        count = len(self.assistants)
        for number, one in enumerate(self.assistants):
            part = context.job.part(number / count, (number + 1) / count, f"assistant {number + 1} of {count}, {one.name}")
            teacher = self._taught(one, teacher, context, part)
        return teacher

    def forget(self) -> None:
        """Remove the trained assistants that were kept: the student is done."""
        for folder in self._kept:
            shutil.rmtree(folder, ignore_errors=True)

    def _taught(self, assistant: Model, teacher: Model, context: Context, job: Job) -> Model:
        folder = self._folder(assistant, teacher, context)
        if folder is not None:
            self._kept.append(folder)
            if (found := _reopened(folder, assistant)) is not None:
                context.note(f"{assistant.name}: trained already, in the run that was interrupted")
                job.progress(1.0)
                return found
        inner = Context(context.samples, job, context.seed, context.target, teacher)
        trained = self.teach(assistant, inner)
        for note in inner.notes:
            context.note(f"{assistant.name}: {note}")
        if folder is not None:
            _keep(folder, trained)
        return trained

    def _folder(self, assistant: Model, teacher: Model, context: Context) -> Path | None:
        if self.home is None:
            return None
        given, data = context.samples, str(self._settings.get("data", ""))
        samples = [given] if given is not None else []
        samples += [opened(data, assistant, given)] if data else []
        parts = [one.digest(rows) for one in samples for rows in (one.rows("calibration"), one.rows("evaluation"))]
        named = [one.describe() for one in samples]
        plain = [self._settings, versions(), context.seed, named, parts, digest(assistant), digest(teacher)]
        key = hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()
        return self.home / f"assistant-{key[:32]}"


def relay(inner: Context, context: Context) -> None:
    """Say in `context` all that was said in `inner`. What was found by measuring is not frozen: each of a chain finds its own,
    by the seed, and one setting could not hold them all."""
    for outcome in inner.outcomes:
        (context.changed if outcome.changed else context.left)(outcome.layer, outcome.note)
    for note in inner.notes:
        context.note(note)


def _keep(folder: Path, model: Model) -> None:
    """Write a model beside, then rename: what is there is whole. Where there is no room it is not kept."""
    beside = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    try:
        beside.mkdir(parents=True)
        write(model, beside / "model.onnx")
        beside.rename(folder)
    except OSError:
        pass
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _reopened(folder: Path, like: Model) -> Model | None:
    """The model kept in `folder` under the name of `like`, or None if it cannot be read."""
    path = folder / "model.onnx"
    if not path.is_file():
        return None
    try:
        return like.with_ir(formats.load(path).ir)
    except ModelError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
