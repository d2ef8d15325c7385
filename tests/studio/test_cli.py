import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from studio import cli
from studio.cli.output import table
from studio.formats import load
from studio.graph.serialize import to_bytes, write
from studio.paths import sample_models
from studio.report import METADATA_KEY, Report

MLP = sample_models() / "digit_mlp"


@pytest.fixture
def run(capsys):
    """Run a command in this process: (exit code, stdout, stderr)."""

    def call(*arguments):
        code = cli.main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_inspect_as_a_table_and_as_json(run):
    code, out, err = run("inspect", MLP / "model.onnx")
    assert (code, err) == (0, "")
    assert "235,146 parameters" in out
    assert "/fc1/Gemm" in out
    code, out, _ = run("inspect", MLP / "model.onnx", "--json", "--layers", "*fc2*", "*fc3*")
    found = json.loads(out)
    assert [layer["name"] for layer in found["layers"]] == ["/fc2/Gemm", "/fc3/Gemm"]
    assert found["layers"][0]["macs"] == 256 * 128
    assert found["inputs"] == ["image: float32[batch, 784]"]
    assert found["layers"][0]["min"] < 0 < found["layers"][0]["max"]


def test_a_table_for_a_program_keeps_long_names_whole(capsys):
    table("t", ["layer", "size"], [["a" * 300, "1"], ["b", "20"]], {1})
    assert capsys.readouterr().out == f"t\n{'layer':300}  size\n{'a' * 300}     1\n{'b':300}    20\n"


def test_methods_lists_settings_with_ranges(run):
    code, out, _ = run("methods", "--json")
    found = {one["name"]: one for one in json.loads(out)}
    assert code == 0
    assert {"clean", "fp16", "dynamic-int8", "static-int8", "weight-only", "prune-weights"} <= set(found)
    sparsity = next(s for s in found["prune-weights"]["settings"] if s["name"] == "sparsity")
    assert (sparsity["low"], sparsity["high"], sparsity["type"]) == (0.0, 1.0, "float")


def test_apply_takes_the_methods_settings_and_several_selectors(run, tmp_path):
    out_file = tmp_path / "o.onnx"
    arguments = [
        "apply",
        "prune-weights",
        MLP / "model.onnx",
        "--sparsity",
        "0.75",
        "--layers",
        "*fc1*",
        "*fc2*",
        "-o",
        out_file,
    ]
    code, out, err = run(*arguments, "--no-measure", "--json")
    assert (code, err) == (0, "")
    step = json.loads(out)["report"]["steps"][0]
    assert step["settings"]["sparsity"] == 0.75
    assert {o["layer"] for o in step["outcomes"] if o["changed"]} == {"/fc1/Gemm", "/fc2/Gemm"}
    weights = load(out_file).layer("/fc1/Gemm").main.tensor.numpy()
    assert (weights == 0).mean() == pytest.approx(0.75, abs=1e-4)


def test_compress_writes_model_report_and_metadata(run, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("steps: [clean, static-int8]")
    arguments = ["compress", MLP / "model.onnx", "--recipe", recipe, "--data", MLP / "samples.yaml", "-o", tmp_path / "o.onnx"]
    code, out, _ = run(*arguments, "--report", tmp_path / "o.json", "--seconds", "0.2")
    assert code == 0
    assert "2 static-int8" in out
    assert "top-1" in out
    saved = Report.load(tmp_path / "o.json")
    inside = load(tmp_path / "o.onnx").ir.metadata_props[METADATA_KEY]
    assert Report.from_json(inside) == saved
    assert str(tmp_path) not in inside
    assert str(Path.home()) not in inside
    code, out, _ = run("report", tmp_path / "o.onnx")
    assert code == 0
    assert "2 static-int8" in out
    code, out, _ = run("report", tmp_path / "o.json", "-o", tmp_path / "o.csv")
    assert (code, out) == (0, f"Wrote {tmp_path / 'o.csv'}\n")


def test_command_line_and_python_give_the_same_graph_and_weights(run, tmp_path):
    from studio.api import MeasureOptions, Recipe, open, samples
    from studio.api import run as run_in_python

    text = "steps: [clean, {prune-weights: {sparsity: 0.3}}, static-int8]"
    (tmp_path / "r.yaml").write_text(text)
    for name in ("a", "b"):
        arguments = ["compress", MLP / "model.onnx", "--recipe", tmp_path / "r.yaml", "--data", MLP / "samples.yaml"]
        assert run(*arguments, "-o", tmp_path / f"{name}.onnx", "--no-measure")[0] == 0
    model = open(MLP / "model.onnx")
    data = samples(str(MLP / "samples.yaml"), model)
    result = run_in_python(model, Recipe.from_yaml(text), data, measure=MeasureOptions(runs=False))

    def bare(model):
        graph = model.edit()
        graph.metadata_props.clear()
        return to_bytes(model.with_ir(graph))

    assert bare(load(tmp_path / "a.onnx")) == bare(load(tmp_path / "b.onnx")) == bare(result.model)


def test_bench_compares_names_and_writes_json(run, tmp_path):
    code, _, _ = run("apply", "weight-only", MLP / "model.onnx", "-o", tmp_path / "o.onnx", "--no-measure")
    assert code == 0
    code, out, _ = run("bench", MLP / "model.onnx", tmp_path / "o.onnx", "--seconds", "0.2", "--json")
    first, second = json.loads(out)
    assert (first["name"], second["name"]) == ("model.onnx", "o.onnx")
    assert second["ratio_low"] <= second["ratio"] <= second["ratio_high"]
    assert second["random"] is True
    code, out, _ = run("bench", MLP / "model.onnx", MLP / "model.onnx", "--seconds", "0.2")
    assert "model.onnx (2)" in out
    assert "random inputs" in out


def test_bench_gives_every_model_every_figure(run, tmp_path):
    copies = [shutil.copy(MLP / "model.onnx", tmp_path / f"{n}.onnx") for n in range(3)]
    _, out, _ = run("bench", *copies, "--seconds", "0.1", "--json")
    assert all(one[figure] is not None for one in json.loads(out) for figure in ("load", "memory", "energy"))


@pytest.mark.parametrize("pristine", [True, False])
def test_bench_takes_models_of_other_formats(run, tmp_path, monkeypatch, pristine):
    def translated(path, inputs=()):
        assert inputs == ("x:float32:1x784",)
        model = load(MLP / "model.onnx")
        model.pristine = pristine
        return model

    monkeypatch.setattr("studio.cli.bench.load", translated)
    code, _, _ = run("bench", tmp_path / "a.pt", "--input", "x:float32:1x784", "--bundle", tmp_path / "bundle")
    assert code == 0
    assert len(load(tmp_path / "bundle" / "model_0" / "model.onnx").layers) == 3


def test_bench_profile_sweep_and_bundle(run, tmp_path):
    code, out, _ = run("bench", MLP / "model.onnx", "--profile", "--json")
    assert code == 0
    assert json.loads(out)["model.onnx"]["layers"]["/fc1/Gemm"] > 0
    options = tmp_path / "options.json"
    code, out, _ = run("bench", MLP / "model.onnx", "--sweep", "--seconds", "0.1", "--save", options)
    assert code == 0
    assert f"written to {options}" in out
    code, out, _ = run("bench", MLP / "model.onnx", "--bundle", tmp_path / "bundle")
    assert code == 0
    assert (tmp_path / "bundle" / "bench.py").exists()


def test_evaluate_is_paired_against_a_reference(run, tmp_path):
    run("apply", "weight-only", MLP / "model.onnx", "--bits", "8", "-o", tmp_path / "o.onnx", "--no-measure")
    code, out, _ = run(
        "evaluate", tmp_path / "o.onnx", "--data", MLP / "samples.yaml", "--reference", MLP / "model.onnx", "--json"
    )
    found = json.loads(out)
    assert code == 0
    metric = found["metrics"][0]
    assert metric["name"] == "top-1"
    assert metric["value"] > 0.95
    assert metric["difference"]["low"] <= metric["difference"]["value"] <= metric["difference"]["high"]
    assert found["fidelity"]["cosine"] > 0.99


def test_evaluate_names_flips_only_where_rows_are_right_or_wrong(run):
    for folder, metric, flips in ((MLP, "top-1", True), (MLP.with_name("ranker"), "auc", False)):
        model = folder / "model.onnx"
        code, out, _ = run("evaluate", model, "--data", folder / "samples.yaml", "--reference", model)
        line = next(line for line in out.splitlines() if line.startswith(metric))
        assert code == 0
        assert line.endswith(", 0 flips") == flips
        assert "None" not in out


def test_devices_names_the_processor_and_reasons(run):
    code, out, _ = run("devices", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["devices"][0]["id"] == "cpu"
    assert next(p for p in found["providers"] if p["name"] == "CPUExecutionProvider")["runs"]
    assert all(p["runs"] or p["why_not"] for p in found["providers"])


OUT = ["{mlp}", "-o", "o.onnx"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "/gone.onnx"], "/gone.onnx does not exist. Check the path."),
        (["inspect"], "Missing argument 'MODEL'."),
        (["frobnicate"], "No such command 'frobnicate'."),
        (["apply"], "Missing command."),
        (["apply", "fp16", "{mlp}"], "Missing option '-o' / '--output'."),
        (["apply", "prune-weights", *OUT, "--sparsity", "2"], "prune-weights: sparsity must be between 0 and 1, not 2.0."),
        (["apply", "prune-weights", *OUT, "--sparsity", "x"], "prune-weights: sparsity must be a number, not 'x'."),
        (["apply", "static-int8", *OUT, "--per-channel", "x"], "static-int8: per-channel must be true or false, not 'x'."),
        (
            ["apply", "fp16", *OUT, "--layers", "type:LSTM"],
            "The selector 'type:LSTM' matches no layer. `inspect` lists the layers.",
        ),
        (
            ["apply", "fp16", *OUT, "--report", "r.pdf"],
            "A report cannot be written as r.pdf. Use one of .json, .csv, .html.",
        ),
        (
            ["apply", "fp16", *OUT, "--seed", f"{2**63}"],
            f"The seed must be a whole number from 0 to {2**63 - 1}: it is {2**63}.",
        ),
        (["compress", *OUT, "--recipe", "gone.yaml"], "The recipe gone.yaml cannot be read: No such file or directory."),
        (["bench", "{mlp}", "--device", "tpu"], "There is no device 'tpu'. Use auto, cpu, cuda or cuda:N."),
        (["report", "gone.json"], "The report gone.json cannot be read: No such file or directory. Check the path."),
        (["report", "{mlp}"], "model.onnx carries no report. Give the .json of a run."),
        (
            ["apply", "fp16", *OUT, "--report", "gone/r.html"],
            "The report gone/r.html cannot be written: there is no folder gone. Choose another folder.",
        ),
        (
            ["bench", "{mlp}", "--sweep", "--save", "gone/o.json"],
            "gone/o.json cannot be written: there is no folder gone. Choose another folder.",
        ),
    ],
)
def test_user_errors_are_one_line_and_exit_code_2(run, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*(a.format(mlp=MLP / "model.onnx") for a in arguments))
    assert (code, out, err) == (2, "", words + "\n")
    assert list(tmp_path.iterdir()) == []


def test_a_defect_leaves_a_report_and_no_traceback(run, monkeypatch, tmp_path):
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path))
    monkeypatch.setattr("studio.cli.show.count_macs", lambda model: 1 / 0)
    code, out, err = run("inspect", MLP / "model.onnx")
    assert (code, out) == (1, "")
    assert err.startswith("Something went wrong inside the studio: ZeroDivisionError: division by zero.")
    assert "Traceback" in (tmp_path / "crash.txt").read_text()


def test_a_defect_is_told_even_without_a_cache(run, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("studio.cli.show.count_macs", lambda model: 1 / 0)
    code, _, err = run("inspect", MLP / "model.onnx")
    assert code == 1
    assert err.startswith("Something went wrong inside the studio: ZeroDivisionError: division by zero. Details for a report ")
    assert err.count("\n") == 1


def test_the_size_of_a_model_is_that_of_all_its_files(run, tmp_path):
    model = load(MLP / "model.onnx")
    model.external_data = True
    files = write(model, tmp_path / "large.onnx")
    _, out, _ = run("inspect", files[0], "--json", "--no-stats")
    assert len(files) == 2
    assert json.loads(out)["file_bytes"] == sum(file.stat().st_size for file in files)


def test_a_terminal_that_lacks_a_character_shows_another(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "studio", "inspect", "g\xf6ne.onnx"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "g?ne.onnx does not exist. Check the path.\n")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_program_that_is_ended_leaves_no_folder_and_no_child(tmp_path, number, code):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "studio", "bench", str(MLP / "model.onnx"), "--sweep", "--seconds", "60"]
    started = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while started.poll() is None and not list(tmp_path.glob("studio-*/ready-*")):
        time.sleep(0.02)
    children = psutil.Process(started.pid).children()
    os.killpg(started.pid, number) if number == signal.SIGINT else started.send_signal(number)
    _, said = started.communicate(timeout=30)
    assert (started.returncode, said) == (code, "Stopped.\n" if number == signal.SIGINT else "")
    assert children
    assert not any(child.is_running() for child in children)
    assert not list(tmp_path.glob("studio-*"))


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_an_interrupt_while_it_starts_shows_no_traceback():
    code = "import sys, builtins, studio.__main__ as m; sys.argv = ['x', 'methods']\n"
    code += "class Stop:\n    def find_spec(self, name, *_):\n        if name == 'typer': raise KeyboardInterrupt\n"
    code += "sys.meta_path.insert(0, Stop()); sys.exit(m.main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


def test_the_main_job_makes_no_folder_for_a_file_that_is_no_model(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "studio", "gone.onnx"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "gone.onnx does not exist. Check the path.\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "output").touch()
    command = [sys.executable, "-m", "studio", str(MLP / "model.onnx")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = f"{tmp_path / 'output'} cannot be made: File exists. Start it in another folder.\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_mistyped_command_is_not_taken_for_a_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "studio", "inspekt"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "No such command 'inspekt'. Did you mean 'inspect'?\n")


def test_the_command_imports_neither_qt_nor_torch(tmp_path):
    code = (
        "import sys; from studio import cli; cli.main(['inspect', sys.argv[1], '--json']);"
        "sys.exit(any(m.split('.')[0] in ('PySide6', 'pyqtgraph', 'torch') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(MLP / "model.onnx")], stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0


def test_the_main_job_runs_without_any_argument(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "studio", str(MLP / "model.onnx")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Wrote " in done.stdout
    assert {p.name for p in (tmp_path / "output").iterdir()} == {"digit_mlp-compressed.onnx", "digit_mlp-compressed.html"}


def test_qt_can_open_a_window_off_screen():
    code = (
        "from PySide6.QtWidgets import QApplication, QLabel; a = QApplication([]); w = QLabel('x'); w.show(); a.processEvents()"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
