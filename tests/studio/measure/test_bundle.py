from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from studio import processor
from studio.errors import ExportError, SettingError
from studio.measure import timing
from studio.measure.bundle import load_bundle_result, write_bundle
from studio.measure.latency import LatencyOptions, LatencyResult
from tests.studio.measure import tiny

QUICK = LatencyOptions(seconds=0.1, minimum_calls=6, passes=2)


def _bench(folder: Path, *options: str) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-I", str(folder / "bench.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, env=environment, check=False)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess]:
    """A bundle with an original, a copy with external data and one that answers zeros, and its run."""
    root = tmp_path_factory.mktemp("bundle")
    original = tiny.chain(root / "a.onnx", 3)
    proto = onnx.load(original)
    onnx.save(proto, root / "b.onnx", save_as_external_data=True, location="b.data", size_threshold=0)
    models = {"original": original, "outside": root / "b.onnx", "zeros": tiny.chain(root / "c.onnx", 3, scale=0)}
    feeds = {"x": tiny.row()["x"]}
    folder = write_bundle(root / "made" / "bundle", models, feeds, QUICK)
    for path in (*models.values(), root / "b.data"):
        path.unlink()
    return folder, _bench(folder)


def test_a_bundle_is_self_contained_and_names_no_path(measured):
    folder, done = measured
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "bench.py", "bundle.json", "inputs.npz", "model_0", "model_1", "model_2", "processor.py", "result.json",
    ]  # fmt: skip
    assert (folder / "model_1" / "b.data").exists()
    assert (folder / "bench.py").read_text("utf-8") == Path(timing.__file__).read_text("utf-8")
    assert (folder / "processor.py").read_text("utf-8") == Path(processor.__file__).read_text("utf-8")
    for name in ("README.md", "bundle.json", "result.json"):
        assert str(folder.parent) not in (folder / name).read_text("utf-8")
    assert list(folder.parent.iterdir()) == [folder]
    assert done.returncode == 0, done.stderr


def test_what_it_measured_reads_back_as_a_latency_result(measured):
    folder, done = measured
    result = load_bundle_result(folder / "result.json")
    assert isinstance(result, LatencyResult)
    assert result.original == "original"
    assert list(result.latencies) == ["original", "outside", "zeros"]
    assert result.comparisons["outside"].output_error == 0
    assert result.comparisons["outside"].difference in done.stdout
    assert result.comparisons["zeros"].ratio is None
    assert "as much as zeros would" in result.comparisons["zeros"].difference
    assert result.options == QUICK
    assert result.machine.versions["numpy"] == np.__version__


def test_options_of_the_script(measured, tmp_path):
    folder, _ = measured
    out = tmp_path / "two.json"
    done = _bench(folder, "--threads", "2", "--seconds", "0.05", "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert load_bundle_result(out).options.threads == 2
    done = _bench(folder, "--provider", "tpu")
    assert done.returncode == 2
    assert done.stderr.startswith("This runtime has no provider 'tpu'. It has ")


def test_a_bundle_never_replaces_anything_and_leaves_nothing_behind(tmp_path):
    model = tiny.chain(tmp_path / "a.onnx")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(ExportError, match=r"cannot be written: it exists already\. Give a new folder\.$"):
        write_bundle(tmp_path / "full", {"a": model}, {})
    with pytest.raises(ExportError, match=r"cannot be written: No such file or directory\.$"):
        write_bundle(tmp_path / "new", {"a": model, "b": tmp_path / "none.onnx"}, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.onnx", "full"]


def test_data_outside_the_models_folder_is_not_taken(tmp_path):
    (tmp_path / "in").mkdir()
    proto = onnx.load(tiny.chain(tmp_path / "a.onnx"))
    onnx.save(proto, tmp_path / "in" / "b.onnx", save_as_external_data=True, location="b.data", size_threshold=0)
    proto = onnx.load(tmp_path / "in" / "b.onnx", load_external_data=False)
    proto.graph.initializer[0].external_data[0].value = "../secret"
    tiny.save(proto, tmp_path / "in" / "b.onnx")
    with pytest.raises(ExportError) as caught:
        write_bundle(tmp_path / "out", {"b": tmp_path / "in" / "b.onnx"}, {})
    assert str(caught.value) == "b.onnx cannot go into a bundle: its data file '../secret' lies outside its folder."
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d.update(kind="x"), "it does not say that it is one"),
        (lambda d: d.update(version=7), "it has version 7, and this studio reads version 1"),
        (lambda d: d.update(models={}), "models must be a list of up to 1000"),
        (lambda d: d.update(models=[]), "models is empty"),
        (lambda d: d["models"].append(d["models"][0]), "models must be named, each once"),
        (lambda d: d["models"][0].update(median_ms="fast"), "models[0].median_ms must be a number"),
        (lambda d: d["models"][1].update(ratio=float("nan")), "models[1].ratio must be finite"),
        (lambda d: d["models"][0].pop("calls"), "models[0].calls is missing"),
        (lambda d: d["options"].pop("seed"), "options must be batch, minimum_calls, passes, provider, seconds, seed, threads"),
        (lambda d: d["options"].update(threads="many"), "options.threads must be a whole number"),
        (lambda d: d["machine"].update(processor=None), "machine.processor must be text"),
        (lambda d: d.update(machine=3), "machine must be a table"),
    ],
)
def test_a_result_that_was_tampered_with_is_refused(measured, tmp_path, change, why):
    data = json.loads((measured[0] / "result.json").read_text())
    change(data)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(data))
    with pytest.raises(SettingError) as caught:
        load_bundle_result(path)
    assert str(caught.value).startswith(f"result.json is not a bench result: {why}")
    assert str(caught.value).endswith(". Run bench.py again and give its result.json.")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "line 1 is not JSON"),
        (b"{\n?", "line 2 is not JSON"),
        (b"\xff\xff", "it is not a text file"),
        (b"[" * 200_000, "it nests too deep"),
        (b" " * 10_000_001, "it is larger than 10 MB"),
        (b"3", "it does not say that it is one"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, content, why):
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(SettingError) as caught:
        load_bundle_result(path)
    assert str(caught.value) == f"r.json is not a bench result: {why}. Run bench.py again and give its result.json."
