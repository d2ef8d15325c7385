"""Facts for the window's lists: devices, operators, files that are gone, room that results take."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from studio import paths
from studio.errors import InputsNeeded, ModelError
from studio.job import Job
from studio.service import facts, reader


def test_devices_and_providers_are_tried_in_another_process() -> None:
    devices, providers, version = facts.machine(job=Job())
    assert devices[0][0] == "cpu"
    assert ("CPUExecutionProvider", True, "") in providers
    assert all(runs or why for _, runs, why in providers)
    assert version[0].isdigit()


def test_operators_are_counted(digit_mlp: Path) -> None:
    assert facts.operators(str(digit_mlp), (), Job()) == (("Gemm", 3), ("Relu", 2))


def test_missing_files(digit_mlp: Path, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.onnx")
    assert facts.missing([str(digit_mlp), gone, str(tmp_path)], Job()) == (gone, str(tmp_path))


def test_results_and_converted_models_are_counted_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    result, plan = paths.documents() / "net" / "3" / "model.onnx", paths.documents() / "net" / "document.json"
    made = fresh_cache / "converted" / "0123" / "model.onnx"
    for file, size in ((result, 100), (plan, 10), (made, 7)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    assert facts.kept(Job()) == (100, 7)
    assert facts.delete_results(Job()) == (0, 7)
    assert facts.delete_converted(Job()) == (0, 0)
    assert plan.is_file()
    assert not made.exists()


def test_extensions_for_file_dialogs() -> None:
    assert reader.extensions(Job())["ONNX model"] == (".onnx",)


def test_the_names_of_inputs_cross_process_boundaries() -> None:
    error = InputsNeeded("m.pt does not say how large its inputs are", "it takes x (Tensor)")
    error.names = ("x",)
    other = pickle.loads(pickle.dumps(error))
    assert isinstance(other, ModelError)
    assert (other.names, str(other)) == (("x",), str(error))
