"""Running a model with ONNX Runtime, and saying what really runs it."""

from __future__ import annotations

import contextlib
import re
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import RunError
from studio.graph.serialize import needs_external_data, to_bytes, write
from studio.model import Model
from studio.runtime import create_session, first_line, limits, newest_opset, providers_report, runtime, tiny_model

__all__ = [
    "Session",
    "SessionOptions",
    "first_line",
    "newest_opset",
    "open_session",
    "providers_report",
    "refusal",
    "runtime",
    "warm_up",
    "why_not_runnable",
]
#: Models above this many bytes are handed to the runtime as a file, which it can map, instead of as bytes.
_AS_FILE = 64_000_000
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True)
class SessionOptions:
    """How a model is run.

    Attributes:
        device: "cpu", "cuda" or "cuda:N".
        threads: intra-op threads; 0 lets the runtime choose.
        optimize: False keeps the graph as it is in the file.
        entries: further session configuration entries of the runtime.
    """

    device: str = "cpu"
    threads: int = 1
    optimize: bool = True
    entries: tuple[tuple[str, str], ...] = ()


@dataclass
class Session:
    """A loaded model. `run` takes and returns arrays by name; `providers` is what the runtime really uses; `model` is what
    was loaded, where that was not just a file."""

    runtime: Any = field(repr=False)
    providers: tuple[str, ...]
    missing: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    model: Model | None = field(default=None, repr=False)

    def run(self, feeds: dict[str, np.ndarray], outputs: list[str] | None = None) -> dict[str, np.ndarray]:
        """One call. `outputs` limits what is returned; None returns everything.

        Raises:
            RunError: the runtime refused the inputs or failed.
        """
        names = outputs or list(self.outputs)
        try:
            values = self.runtime.run(names, {name: feeds[name] for name in self.inputs})
        except KeyError as error:
            raise RunError(
                f"The samples have no values for input {error.args[0]!r}", todo="Map a column or array to it"
            ) from None
        except Exception as error:
            raise RunError("The model failed while running", first_line(error), "Check the samples' shapes and types") from None
        return dict(zip(names, values, strict=True))


def why_not_runnable(model: Model) -> str | None:
    """Why the installed runtime cannot load `model` because of its versions, or None."""
    opset, ir_version = limits()
    if model.opset > opset:
        return f"it uses opset {model.opset} and the installed ONNX Runtime knows opsets up to {opset}"
    if (model.ir.ir_version or 0) > ir_version:
        return f"it has IR version {model.ir.ir_version} and the installed ONNX Runtime reads up to {ir_version}"
    return None


def open_session(model: Model | Path, options: SessionOptions = SessionOptions()) -> Session:
    """Load a model for running.

    Raises:
        RunError: the runtime cannot load it; says why.
    """
    setup, wanted = configured(options)
    what = model.name if isinstance(model, Path | Model) else "The model"
    if isinstance(model, Model) and (why := why_not_runnable(model)):
        raise RunError(f"{what} cannot be run", why, "Update ONNX Runtime or export with an older opset")
    with contextlib.ExitStack() as stack:
        source = _runtime_source(model, stack)
        try:
            session, missing = create_session(source, setup, wanted)
        except Exception as error:
            raise refusal(what, error) from None
        held = stack.pop_all()  # the runtime may read mapped weights for as long as the session lives
    weakref.finalize(session, held.close)
    running = tuple(session.get_providers())
    inputs, outputs = (tuple(v.name for v in values) for values in (session.get_inputs(), session.get_outputs()))
    return Session(session, running, missing, inputs, outputs, model if isinstance(model, Model) else None)


def warm_up(device: str = "cpu") -> None:
    """Let the runtime and a device's provider initialize themselves: what they take is no model's.

    Raises:
        RunError: there is no such device.
    """
    create_session(tiny_model(), runtime().SessionOptions(), _providers(device))


def configured(options: SessionOptions) -> tuple[Any, list[Any]]:
    """The runtime's own session options and providers for `options`.

    Raises:
        RunError: there is no such device.
    """
    ort = runtime()
    setup = ort.SessionOptions()
    setup.log_severity_level = 4
    setup.intra_op_num_threads = options.threads
    setup.inter_op_num_threads = 1
    if not options.optimize:
        setup.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    for key, value in options.entries:
        setup.add_session_config_entry(key, value)
    return setup, _providers(options.device)


def refusal(what: str, error: Exception) -> RunError:
    """The sentence for a model the runtime would not load; `what` stands for the model."""
    message, line = str(error), first_line(error)
    opset, ir_version = limits()
    newer = "Update ONNX Runtime or export with an older opset"
    if found := re.search(r"Unsupported model IR version: (\d+)", message):
        why = f"it has IR version {found[1]} and the installed ONNX Runtime reads up to {ir_version}"
        return RunError(f"{what} cannot be run", why, newer)
    if found := re.search(r"Opset (\d+) is under development|opset (\d+) is not supported", message):
        newest = int(found[1] or found[2])
        domain = re.search(r"official support for domain (\S+) is till opset (\d+)", message)
        of, known = (f" of {domain[1]}", int(domain[2])) if domain and domain[1] != "ai.onnx" else ("", opset)
        why = f"it uses opset {newest}{of} and the installed ONNX Runtime knows opsets up to {known}"
        return RunError(f"{what} cannot be run", why, newer)
    if found := re.search(r"Could not find an implementation for ([^\s(]+)\((\d+)\)", message):
        why = f"the installed ONNX Runtime has no kernel for {found[1]} as opset {found[2]} defines it, with these types"
        return RunError(f"{what} cannot be run", why, "Export it with a newer opset or another type")
    operator = re.search(
        r"Error No Op registered for (?P<op>\S+) with domain_version of (?P<version>\d+)", message
    ) or re.search(r"Fatal error: (?:(?P<domain>[^:\s]*):)?(?P<op>[^:\s(]+)\(-?\d+\) is not a registered function/op", message)
    if operator:
        parts = operator.groupdict()
        name = f"{parts['domain']}.{parts['op']}" if parts.get("domain") else parts["op"]
        version = f" of opset {parts['version']}" if parts.get("version") else ""
        why = f"the installed ONNX Runtime has no operator {name}{version}"
        return RunError(f"{what} cannot be run", why, "Update ONNX Runtime, or export with standard operators")
    if found := re.search(r"Error No opset import for domain '([^']*)'", message):
        why = f"its operators come from the domain {found[1]!r}, for which it declares no version"
        return RunError(f"{what} cannot be run", why, "Export it again")
    return RunError(f"{what} cannot be run", line, "Check the model with the tool that made it")


def _providers(device: str) -> list[Any]:
    kind, _, index = device.partition(":")
    if kind not in _PROVIDERS or (index and not index.isdigit()):
        raise RunError(f"There is no device {device!r}", todo="Use cpu, cuda or cuda:N")
    if kind == "cpu":
        return [_PROVIDERS["cpu"]]
    return [(_PROVIDERS["cuda"], {"device_id": index or "0"}), _PROVIDERS["cpu"]]


def _runtime_source(model: Model | Path, stack: contextlib.ExitStack) -> str | bytes:
    if isinstance(model, Path):
        return str(model)
    if model.file is not None:
        return str(model.file)
    if not needs_external_data(model) and model.bytes < _AS_FILE:
        return to_bytes(model)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-")))
    path = folder / "model.onnx"
    write(model, path)
    return str(path)
