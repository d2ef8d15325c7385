"""Exported architectures with seeded random weights, made once and kept: what the twin and the methods are tried on.

    from tests import zoo

    for name in zoo.names():
        model = load(zoo.path(name))
        outputs = session.run(None, zoo.feeds(name))

`catalog.py` lists them; a module per family holds the networks. They are exported in a child process, a family at a time,
into the folder that `STUDIO_ZOO` names, else into the user's cache, under a digest of the scripts and of the versions of
torch, onnxscript and transformers. `python -m tests.zoo` makes all and prints a table.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import platformdirs
from filelock import FileLock

from tests.zoo.catalog import ENTRIES, Entry

ROOT = Path(os.environ.get("STUDIO_ZOO") or platformdirs.user_cache_path("compression-studio") / "zoo")
_HERE = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Every architecture, in the order of the catalog."""
    return tuple(ENTRIES)


def path(name: str) -> Path:
    """The ONNX file of an architecture; the first call exports its whole family.

    Raises:
        RuntimeError: it could not be exported; says why.
        KeyError: there is no such architecture.
    """
    family = ENTRIES[name].family
    target = folder(family) / f"{name}.onnx"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target.parent}.lock"):
            if not target.exists():
                _export(family)
    if not target.exists():
        raise RuntimeError(f"{name} could not be exported: {target.with_suffix('.error').read_text('utf-8')}")
    return target


def feeds(name: str, batch: int | None = None, seed: int = 0) -> dict[str, np.ndarray]:
    """Seeded inputs by name: standard normal floats, indices inside their tables, masks with a padded end.

    Raises:
        ValueError: the architecture was exported for another batch size only.
    """
    entry = ENTRIES[name]
    if batch not in (None, entry.batch) and not entry.dynamic:
        raise ValueError(f"{name} takes a batch of {entry.batch} only")
    random = np.random.default_rng([seed, *name.encode()])
    return {key: one.values(batch or entry.batch, random) for key, one in entry.inputs.items()}


@cache
def folder(family: str) -> Path:
    """Where the files of a family lie: a folder of their own for these scripts and versions."""
    digest = hashlib.sha256()
    for script in ("catalog.py", "export.py", "blocks.py", f"{family}.py"):
        digest.update((_HERE / script).read_bytes())
    for package in ("torch", "onnxscript", *(["transformers"] if family == "published" else [])):
        try:
            digest.update(f"{package} {version(package)}".encode())
        except PackageNotFoundError:
            digest.update(f"{package} absent".encode())
    return ROOT / f"{family}-{digest.hexdigest()[:16]}"


def _export(family: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.zoo.export", family, str(folder(family))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=_HERE.parents[1], env=environment, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise RuntimeError(f"The export of {family} ended with {done.returncode}: {done.stderr[-2000:]}")


__all__ = ["ENTRIES", "ROOT", "Entry", "feeds", "folder", "names", "path"]
