"""Checkpoints: all that a training needs to go on from where it was, in one safetensors file with JSON in its header.

A file is written beside its place and then renamed, so that there is always a whole one or none. A checksum over all tensors
tells a damaged file from a whole one; nothing in it is ever executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import zlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

#: Of the layout; another one is not read.
_VERSION = 2
#: What nobody came back to for this long is removed.
_KEPT_SECONDS = 30 * 86_400


@dataclass
class Checkpoint:
    """Tensors by name and plain values."""

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]


def versions() -> list[str]:
    """Of what a training depends on: others may come to other weights."""
    found = []
    for package in ("compression-studio", "torch"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(metadata.version(package))
    return found


def path_of(home: Path, key: str) -> Path:
    """Where the checkpoint with this key lies."""
    return home / f"{key}.safetensors"


def save(home: Path, key: str, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint with this key.

    Raises:
        OSError: the folder cannot be written to, or is full.
    """
    home.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in checkpoint.tensors.items()}
    described = {"version": _VERSION, "key": key, "checksum": _checksum(tensors), "facts": checkpoint.facts}
    target = path_of(home, key)
    beside = target.with_suffix(f".{os.getpid()}.part")
    try:
        save_file(tensors, beside, {"studio": json.dumps(described)})
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(target)
    except SafetensorError as error:
        raise OSError(str(error).removeprefix("Error while serializing: ")) from None
    finally:
        beside.unlink(missing_ok=True)


def load(home: Path, key: str) -> tuple[Checkpoint | None, str]:
    """(The checkpoint with this key or None, why one that is there cannot be used or "")."""
    target = path_of(home, key)
    if not target.is_file():
        return None, ""
    try:
        with safe_open(target, "pt") as file:
            described = json.loads((file.metadata() or {})["studio"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None, "it is damaged"
    if not isinstance(described, dict) or described.get("version") != _VERSION or described.get("key") != key:
        return None, "it belongs to another version or training"
    if described.get("checksum") != _checksum(tensors):
        return None, "it is damaged"
    return Checkpoint(tensors, described["facts"]), ""


def remove(home: Path, key: str) -> None:
    """Remove the checkpoint with this key, if there is one, and whatever in `home` was last written a month ago."""
    with contextlib.suppress(OSError):
        path_of(home, key).unlink(missing_ok=True)
        for left in home.iterdir():
            if time.time() - left.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _checksum(tensors: dict[str, torch.Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        total = zlib.crc32(name.encode(), total)
        if tensors[name].numel():
            total = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, total)
    return total
