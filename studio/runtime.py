"""The installed ONNX Runtime: what it can load and which of its providers really run on this machine.

`get_available_providers()` lists what was compiled in, not what works. What works is known only after a session has
been made, and why another does not is known only from what the runtime prints while it tries.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from studio.errors import RunError

_LOG_LINE = re.compile(r"\[[VIWEF]:onnxruntime[^\]]*\] ?(.*)")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_CODE_PREFIX = re.compile(r"^.*?\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")
_FILE_PREFIX = re.compile(r"^Load model from .*? failed: ?")
_FUNCTION_PREFIX = re.compile(r"^/onnxruntime_src/\S+ .*?\) (?=[A-Z])")
_stderr_lock = threading.RLock()


@cache
def runtime() -> Any:
    """The ONNX Runtime module.

    Raises:
        RunError: it is not installed.
    """
    # nvidia-smi counts GPUs in this order; without it CUDA counts the fastest first.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    # Since 1.31 the official packages report to their maker; this keeps the uploader and its identifier from being made.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise RunError("ONNX Runtime cannot be imported", str(error), "Install onnxruntime or onnxruntime-gpu") from None
    onnxruntime.disable_telemetry_events()  # if someone had it imported before
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def first_line(error: BaseException) -> str:
    """The runtime's message without its error code, source position, file and stack."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    text = _FILE_PREFIX.sub("", _FUNCTION_PREFIX.sub("", _CODE_PREFIX.sub("", text)))
    return text[:240].rstrip(". ")


@cache
def limits() -> tuple[int, int]:
    """(newest opset, newest IR version) the runtime loads, found by asking it with tiny models."""
    import onnx

    opset = next((v for v in range(onnx.defs.onnx_opset_version(), 6, -1) if _loads(tiny_model(v, 8))), 7)
    ir_version = next((v for v in range(int(onnx.IR_VERSION), 2, -1) if _loads(tiny_model(7, v))), 3)
    return opset, ir_version


def newest_opset() -> int:
    """The newest version of the standard operator set that the installed runtime loads."""
    return limits()[0]


def tiny_model(opset: int = 13, ir_version: int = 7) -> bytes:
    """One Identity, for asking the runtime about itself."""
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "probe", [x], [y])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    return proto.SerializeToString()


def _loads(data: bytes) -> bool:
    try:
        runtime().InferenceSession(data, providers=["CPUExecutionProvider"])
    except Exception:
        return False
    return True


@dataclass(frozen=True)
class Provider:
    """One execution provider of the installed runtime: whether it really runs here and, if not, why not."""

    name: str
    runs: bool
    why_not: str = ""


@cache
def providers_report() -> tuple[Provider, ...]:
    """Every provider this build contains, tried one by one on a tiny model.

    A reason is what the runtime itself said. Trying a GPU provider may load its libraries into this process.
    """
    data = tiny_model()
    report = []
    for name in runtime().get_available_providers():
        _, missing = create_session(data, runtime().SessionOptions(), [name])
        report.append(Provider(name, name not in missing, missing.get(name, "")))
    return tuple(report)


def create_session(source: str | bytes, setup: Any, wanted: list[Any]) -> tuple[Any, dict[str, str]]:
    """An InferenceSession on the wanted providers, in that order, with the processor last; and why any is missing.

    Entries of `wanted` are provider names or (name, options). The runtime's own exception passes if the model does not
    load on the processor either.
    """
    ort = runtime()
    cpu = "CPUExecutionProvider"
    names = [p if isinstance(p, str) else p[0] for p in wanted]
    if names == [cpu]:
        setup.log_severity_level = 4
        return ort.InferenceSession(source, setup, providers=wanted), {}
    compiled = ort.get_available_providers()
    usable = [p for p, name in zip(wanted, names, strict=True) if name in compiled]
    failure = ""
    with captured_stderr() as said:
        # The reason why a provider is missing goes through the default logger, as an error or a warning.
        ort.set_default_logger_severity(2)
        setup.log_severity_level = 3
        try:
            session = ort.InferenceSession(source, setup, providers=usable or [cpu], enable_fallback=0)
        except Exception as error:
            failure = first_line(error)
            session = ort.InferenceSession(source, setup, providers=[cpu])
        finally:
            ort.set_default_logger_severity(4)
    running = session.get_providers()
    missing = {}
    for name in names:
        if name not in compiled:
            missing[name] = "this build of ONNX Runtime does not contain it"
        elif name not in running:
            missing[name] = _reason("\n".join(said)) or failure or "the runtime did not say why"
    return session, missing


def _reason(text: str) -> str:
    """What the runtime's log says about a provider that failed: the missing library, then what is required."""
    lines = [match[1] for match in map(_LOG_LINE.search, _COLOR.sub("", text).splitlines()) if match]
    parts = []
    for line in lines:
        if "Failed to load library" in line and "error: " in line:
            parts.append(line.split("error: ", 1)[1])
        elif match := re.search(r"Failed to create \w+\. (Require [^.]*(?:\.\*[^.]*)*)\.", line):
            parts.append(match[1])
    if not parts and lines:
        parts = [_FUNCTION_PREFIX.sub("", _CODE_PREFIX.sub("", lines[0]))]
    return "; ".join(dict.fromkeys(part.strip().rstrip(".") for part in parts))[:300]


@contextlib.contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Catch what native code prints to file descriptor 2; the list holds the lines afterwards.

    One thread at a time. Lines another thread printed meanwhile cannot be told apart by file descriptor, so lines
    that are not in the runtime's log format are printed when the descriptor is back.
    """
    said: list[str] = []
    with _stderr_lock, contextlib.ExitStack() as stack:
        try:
            saved = os.dup(2)
        except OSError:  # a program without a terminal has no such descriptor
            yield said
            return
        stack.callback(os.close, saved)
        sink = stack.enter_context(tempfile.TemporaryFile())
        os.dup2(sink.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(saved, 2)
            sink.seek(0)
            said += sink.read().decode("utf-8", "replace").splitlines()
            others = [line for line in said if not _LOG_LINE.search(line) and _COLOR.sub("", line).strip()]
            if others:
                os.write(2, ("\n".join(others) + "\n").encode())
