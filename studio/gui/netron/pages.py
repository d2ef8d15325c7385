"""The pages of the installed `netron` package: where they lie, their version, their age, and the one page as served."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

#: Netron refuses to work longer than this after its release (`age` in its browser.js). It is its author's decision.
AGE_LIMIT = timedelta(days=180)

_META = re.compile(r'<meta name="(\w+)" content="([^"]*)">\n?')


@cache
def folder() -> Path:
    """The folder with Netron's pages.

    Raises:
        ModuleNotFoundError: the package `netron` is not installed.
    """
    spec = find_spec("netron")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'netron'", name="netron")
    return Path(spec.submodule_search_locations[0])


def version() -> str:
    """As its page says; empty where it does not."""
    return dict(_META.findall(_source())).get("version", "")


def released() -> datetime | None:
    """When this Netron was released, as its page says; None where it does not, and then it has no age limit."""
    found = dict(_META.findall(_source())).get("date")
    return datetime.fromisoformat(found).replace(tzinfo=UTC) if found else None


def expired(now: datetime) -> bool:
    """Whether Netron blocks itself at the time `now` (aware of its time zone)."""
    then = released()
    return then is not None and now - then > AGE_LIMIT


def page(model: str) -> bytes:
    """Netron's page, opening the model file of this name at `data/<model>`.

    A page without a version sends no usage figures: Netron starts its telemetry only in a numbered release. The date,
    and with it the age limit, stays as it is.
    """
    values = {"type": "Python", "file": f"data/{quote(model)}", "identifier": model, "name": model}
    ours = "".join(f'<meta name="{key}" content="{html.escape(value)}">\n' for key, value in values.items())
    return _META.sub(lambda found: ours if found[1] == "version" else found[0], _source()).encode()


@cache
def _source() -> str:
    return (folder() / "index.html").read_text("utf-8")
