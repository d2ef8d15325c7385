"""Fast kernels, one folder per operation: `reference` defines the result, the other files compute it faster."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def compiled_code() -> Path:
    """The folder for compiled kernels. `NUMBA_CACHE_DIR` or `STUDIO_CACHE` move it; the package itself may be read-only."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("STUDIO_CACHE") or platformdirs.user_cache_path("compression-studio")) / "kernels"
