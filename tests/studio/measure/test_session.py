from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from studio import runtime
from studio.errors import RunError
from studio.formats import load
from studio.measure.session import SessionOptions, newest_opset, open_session, providers_report, warm_up
from tests import real_models
from tests.studio.measure import tiny

_CUDA_LOG = """\x1b[1;31m2026-11-22 06:09:06.048124313 [E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] \
/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& \
onnxruntime::ProviderLibrary::Get() \
[ONNXRuntimeError] : 1 : FAIL : Failed to load library /x/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: \
cannot open shared object file: No such file or directory
\x1b[m
\x1b[0;93m2026-11-22 06:09:06.048166372 [W:onnxruntime:Default, onnxruntime_pybind_state.cc:1295 \
CreateExecutionProviderFactoryInstance] Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 13.*. Please \
install all dependencies as mentioned in the GPU requirements page (https://onnxruntime.ai/docs).\x1b[m
"""


def test_a_model_runs_by_names(tmp_path):
    session = open_session(tiny.chain(tmp_path / "a.onnx", 2))
    assert session.providers == ("CPUExecutionProvider",)
    assert session.missing == {}
    assert session.run(tiny.row(batch=3))["y"].shape == (3, 64)
    with pytest.raises(RunError) as caught:
        session.run({})
    assert str(caught.value) == "The samples have no values for input 'x'. Map a column or array to it."


def test_a_model_whose_file_was_written_again_runs_as_it_was_opened(tmp_path):
    path = tiny.chain(tmp_path / "a.onnx", 2)
    model = load(path)
    before = open_session(model).run(tiny.row())
    assert model.file == path
    tiny.chain(tmp_path / "b.onnx", 2, scale=2.0).replace(path)
    assert model.file is None
    np.testing.assert_array_equal(open_session(model).run(tiny.row())["y"], before["y"])


def _one(op: str, domain: str = "", **kind) -> onnx.ModelProto:
    return tiny.model([helper.make_node(op, ["x"], ["y"], domain=domain, name="n")], {"x": [1]}, {"y": [1]}, **kind)


@pytest.mark.parametrize(
    ("proto", "why"),
    [
        (_one("Identity", opset=400), r"it uses opset 400 and the installed ONNX Runtime knows opsets up to \d+\. Update"),
        (_one("Identity", ir_version=99), r"it has IR version 99 and the installed ONNX Runtime reads up to \d+\. Update"),
        (
            _one("Identity", domains={"ai.onnx.ml": 99}),
            r"it uses opset 99 of ai\.onnx\.ml and .* knows opsets up to \d\.",
        ),
        (_one("Frobnicate"), r"the installed ONNX Runtime has no operator Frobnicate of opset 17\. Update"),
        (
            _one("Odd", "com.example", domains={"com.example": 1}),
            r"the installed ONNX Runtime has no operator com\.example\.Odd",
        ),
        (
            _one("Odd", "com.microsoft", domains={"com.microsoft": 1}),
            r"has no operator com\.microsoft\.Odd\. Update",
        ),
        (_one("Odd", "com.example"), r"its operators come from the domain 'com\.example', for which it declares no version\."),
    ],
)
@pytest.mark.parametrize("as_file", [True, False])
def test_what_the_runtime_does_not_know_is_told_in_one_sentence(tmp_path, proto, why, as_file):
    path = tiny.save(proto, tmp_path / "odd.onnx")
    source = path
    if not as_file:
        try:
            source = tiny.opened(proto, tmp_path)
        except Exception:
            pytest.skip("refused when it was opened")
    with pytest.raises(RunError, match=why) as caught:
        open_session(source)
    assert "cannot be run: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "onnxruntime_src" not in str(caught.value)


def test_our_newest_opset_loads(tmp_path):
    open_session(tiny.save(_one("Identity", opset=newest_opset()), tmp_path / "a.onnx"))


def test_an_unknown_device_is_refused(tmp_path):
    for device in ("tpu", "cuda:first"):
        with pytest.raises(RunError, match=f"There is no device '{device}'"):
            open_session(tmp_path / "a.onnx", SessionOptions(device))
    warm_up("cpu")


def test_the_reason_is_what_the_runtime_said():
    assert runtime._reason(_CUDA_LOG) == (
        "libcublasLt.so.13: cannot open shared object file: No such file or directory; Require cuDNN 9.* and CUDA 13.*"
    )
    assert runtime._reason("") == ""


def test_every_provider_is_reported_with_a_reason_where_it_does_not_run(capfd):
    report = providers_report.__wrapped__()
    assert {one.name: one.runs for one in report}["CPUExecutionProvider"]
    for one in report:
        assert one.runs == (not one.why_not)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "onnxruntime" not in captured.err


def test_a_missing_provider_is_named_and_the_model_runs_on_the_processor(tmp_path, capfd):
    session = open_session(tiny.chain(tmp_path / "a.onnx"), SessionOptions("cuda"))
    assert session.providers[-1] == "CPUExecutionProvider"
    if "CUDAExecutionProvider" not in session.providers:
        assert session.missing["CUDAExecutionProvider"] not in ("", "the runtime did not say why")
    assert np.isfinite(session.run(tiny.row())["y"]).all()
    assert capfd.readouterr().out == ""


def test_what_others_print_meanwhile_is_printed_afterwards(capfd):
    def shout() -> None:
        with runtime.captured_stderr() as said:
            os.write(2, b"2026 [E:onnxruntime:Default, x.cc:1 f] broken\nsomeone else\n")
        assert len(said) == 2

    threads = [threading.Thread(target=shout) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capfd.readouterr().err == "someone else\n" * 8


def test_an_operator_of_an_old_opset_without_a_kernel_is_named():
    with pytest.raises(RunError) as error:
        open_session(load(real_models.converted("Linear")))
    assert str(error.value) == (
        "model.onnx cannot be run: the installed ONNX Runtime has no kernel for Gemm as opset 6 defines it, with these types."
        " Export it with a newer opset or another type."
    )


def test_the_runtime_reports_to_nobody(tmp_path):
    """Its packages upload usage figures unless they are told not to; an identifier in the temporary folder is the sign."""
    code = (
        "from studio.measure.session import open_session; from pathlib import Path\n"
        f"open_session(Path({str(tiny.chain(tmp_path / 'a.onnx'))!r}))\n"
        "import psutil; assert not psutil.Process().net_connections()"
    )
    folder, home = tmp_path / "temporary", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    where = {**os.environ, "TMPDIR": str(folder), "HOME": str(home)}
    where.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=where, cwd=Path(__file__).parents[3])
    assert list(folder.iterdir()) == []
    assert list(home.rglob("*")) == []
