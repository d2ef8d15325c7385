"""Running a model with ONNX Runtime, and saying what really runs it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import RunError
from studio.graph.serialize import needs_external_data, to_bytes, write
from studio.model import Model

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
    """A loaded model. `run` takes and returns arrays by name; `providers` is what the runtime really uses."""

    runtime: Any = field(repr=False)
    providers: tuple[str, ...]
    missing: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

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


def first_line(error: BaseException) -> str:
    """The runtime's message without its error-code prefix and stack."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.rpartition("] : ")[2].removeprefix("1 : FAIL : ")[:240].rstrip(". ")


@cache
def runtime() -> Any:
    """The ONNX Runtime module.

    Raises:
        RunError: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise RunError("ONNX Runtime cannot be imported", str(error), "Install onnxruntime or onnxruntime-gpu") from None
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def newest_opset() -> int:
    """The newest version of the standard operator set that the installed runtime loads."""
    from onnx import defs

    declared = defs.onnx_opset_version()
    return min(declared, _runtime_limits()[0])


@cache
def _runtime_limits() -> tuple[int, int]:
    """(newest opset, newest IR version) the runtime loads, found by asking it with tiny models."""
    import onnx
    from onnx import TensorProto, helper

    def loads(opset: int, ir_version: int) -> bool:
        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy")
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "probe", [x], [y])
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
        try:
            runtime().InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        except Exception:
            return False
        return True

    opset = next((v for v in range(onnx.defs.onnx_opset_version(), 6, -1) if loads(v, 8)), 7)
    ir_version = next((v for v in range(int(onnx.IR_VERSION), 2, -1) if loads(7, v)), 3)
    return opset, ir_version


def why_not_runnable(model: Model) -> str | None:
    """Why the installed runtime cannot load `model` because of its versions, or None."""
    opset, ir_version = _runtime_limits()
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
    ort = runtime()
    setup = ort.SessionOptions()
    setup.log_severity_level = 4
    setup.intra_op_num_threads = options.threads
    setup.inter_op_num_threads = 1
    if not options.optimize:
        setup.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    for key, value in options.entries:
        setup.add_session_config_entry(key, value)
    wanted = _providers(options.device)
    what = model.name if isinstance(model, Path | Model) else "The model"
    if isinstance(model, Model) and (why := why_not_runnable(model)):
        raise RunError(f"{what} cannot be run", why, "Update ONNX Runtime or export with an older opset")
    with contextlib.ExitStack() as stack:
        source = _runtime_source(model, stack)
        with _quiet_stderr() as said:
            try:
                session = ort.InferenceSession(source, setup, providers=wanted)
            except Exception as error:
                raise RunError(f"{what} cannot be run", first_line(error), _advice(str(error))) from None
        held = stack.pop_all()  # the runtime may read mapped weights for as long as the session lives
    weakref.finalize(session, held.close)
    running = tuple(session.get_providers())
    names = [p if isinstance(p, str) else p[0] for p in wanted]
    missing = {name: _why_missing(name, said) for name in names if name not in running}
    return Session(
        session, running, missing, tuple(i.name for i in session.get_inputs()), tuple(o.name for o in session.get_outputs())
    )


def _advice(message: str) -> str:
    if "is not a registered function/op" in message or "No Op registered" in message or "NOT_IMPLEMENTED" in message:
        return "The model needs an operator this runtime does not have; export it with standard operators"
    return "Check the model with the tool that made it"


def _providers(device: str) -> list[Any]:
    kind, _, index = device.partition(":")
    if kind not in _PROVIDERS:
        raise RunError(f"There is no device {device!r}", todo="Use cpu, cuda or cuda:N")
    if kind == "cpu":
        return [_PROVIDERS["cpu"]]
    return [(_PROVIDERS["cuda"], {"device_id": index or "0"}), _PROVIDERS["cpu"]]


def _runtime_source(model: Model | Path, stack: contextlib.ExitStack) -> str | bytes:
    if isinstance(model, Path):
        return str(model)
    if model.pristine and model.source is not None and model.source.exists():
        return str(model.source)
    if not needs_external_data(model) and model.bytes < _AS_FILE:
        return to_bytes(model)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-")))
    path = folder / "model.onnx"
    write(model, path)
    return str(path)


@contextlib.contextmanager
def _quiet_stderr():
    """Catch what native code prints to file descriptor 2; yields a list that holds the text afterwards."""
    said: list[str] = []
    with tempfile.TemporaryFile() as sink:
        saved = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            sink.seek(0)
            said.append(sink.read().decode("utf-8", "replace"))


def _why_missing(provider: str, said: list[str]) -> str:
    text = " ".join(said)
    for marker in ("error: ", "Require ", "Failed to load library"):
        if marker in text:
            return (marker + text.split(marker, 1)[1].splitlines()[0])[:200].removeprefix("error: ")
    if provider not in runtime().get_available_providers():
        return "this build of ONNX Runtime does not contain it"
    return "the runtime did not say why"
