"""Forward and backward through a twin against the torch module that its ONNX file was exported from.

    python tests/benchmarks/twin.py            all
    python tests/benchmarks/twin.py bert       the cases whose name holds a word

Both sides are given the same inputs and the same loss (the mean square of every output) and make gradients of all weights; a
step is forward, backward, and dropping the gradients. Time: both in turn in one process. Memory: the peak of private memory of
a process that does nothing but steps on one side, in turn, the median of three: of the network and its steps (above what the
process had when everything was imported), and of the whole process. There the C library gives freed blocks of 128 KiB and more
back at once, which it would otherwise decide anew in every run, by several MB. Outputs must agree within 1e-4 of the largest
one, and the norm of all gradients within 0.1 %. BatchNormalization is not folded on either side.

Compiled: `torch.compile` of the twin against the twin itself. Peers: other converters of ONNX to torch, installed into folders
of their own, over the zoo: how many architectures they convert with outputs within 1e-4 of ONNX Runtime's.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import Fresh, Row, fresh, interleaved, private_memory, write

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests import zoo
from tests.zoo.catalog import Entry, Input

THREADS = 1
PEERS = {"onnx2torch": "onnx2torch==1.5.15", "onnx2pytorch": "onnx2pytorch==0.6.0"}
_IMAGE = {"image": Input((3, 224, 224))}
_TOKENS = {"input_ids": Input((128,), 30000), "attention_mask": Input((128,), mask=True)}
_FIELDS = {"categories": Input((20,), 5000)}
_RESNET = {"width": 64, "depths": (3, 4, 6, 3), "classes": 1000}
_BERT = {"width": 768, "heads": 12, "layers": 4, "vocabulary": 30522, "places": 512}
_DEEPFM = {"fields": 20, "rows": 5000, "width": 16, "inner": 256}


@dataclass(frozen=True)
class Case:
    """One network: what is exported, how both sides are run, and how many times the module's figures ours may take."""

    entry: Entry
    limit: float
    statistics: bool = False
    sparse: bool = False

    @property
    def file(self) -> str:
        return f"{self.entry.build}{'_fused' if self.entry.options.get('fused') else ''}.onnx"


def _resnet(name: str, **how: Any) -> Case:
    export = {"batch": 4, "legacy": True, "opset": 17, "keep_batch_norm": True}
    return Case(Entry(name, "vision", "resnet_bottleneck", _IMAGE, _RESNET, **export), 1.1, **how)


def _deepfm(name: str, sparse: bool) -> Case:
    export = {"batch": 1024, "legacy": True, "opset": 17, "keep_batch_norm": True}
    return Case(Entry(name, "tables", "deepfm", _FIELDS, {**_DEEPFM, "sparse": sparse}, **export), 1.1, sparse=sparse)


CASES = {
    case.entry.name: case
    for case in (
        _resnet("ResNet-50, 4 x 224 x 224, frozen statistics"),
        _resnet("ResNet-50, 4 x 224 x 224, batch statistics", statistics=True),
        _deepfm("DeepFM, 1,024 rows, dense gradients", False),
        _deepfm("DeepFM, 1,024 rows, sparse gradients", True),
        Case(Entry("BERT of 4 layers, 4 x 128 tokens, decomposed", "attention", "bert", _TOKENS, _BERT, 4), 1.3),
        Case(
            Entry(
                "BERT of 4 layers, 4 x 128 tokens, attention as one operator", "attention", "bert", _TOKENS,
                {**_BERT, "fused": True}, 4, opset=23,
            ),
            1.1,
        ),
    )
}  # fmt: skip


class Side:
    """One side of a case: a step on it, and what it computes."""

    def __init__(self, case: Case, kind: str, folder: Path) -> None:
        import torch

        self.inputs = {name: torch.from_numpy(value) for name, value in _feeds(case).items()}
        if kind == "module":
            from tests.zoo.export import module_of

            module = module_of(case.entry).train(case.statistics)
            self.call: Callable[[], Any] = lambda: module(*self.inputs.values())
            self.parameters = list(module.parameters())
        else:
            from studio.formats import load
            from studio.twin.module import Twin

            twin = Twin(load(folder / case.file)).train(case.statistics)
            twin.mode.statistics, twin.mode.sparse = case.statistics, case.sparse
            self.parameters = list(twin.parameters())
            forward = torch.compile(twin) if kind == "compiled" else twin
            self.call = lambda: tuple(forward(self.inputs).values())

    def outputs(self) -> tuple[Any, ...]:
        found = self.call()
        return found if isinstance(found, tuple) else (found,)

    def gradients(self) -> None:
        sum(value.square().mean() for value in self.outputs()).backward()

    def step(self) -> None:
        self.gradients()
        for one in self.parameters:
            one.grad = None

    def norm(self) -> float:
        """Of all gradients."""
        self.gradients()
        dense = [one.grad.coalesce().values() if one.grad.is_sparse else one.grad for one in self.parameters]
        total = sum(float(one.double().square().sum()) for one in dense)
        for one in self.parameters:
            one.grad = None
        return total**0.5


def _feeds(case: Case) -> dict[str, Any]:
    import numpy as np

    random = np.random.default_rng(0)
    return {name: one.values(case.entry.batch, random) for name, one in case.entry.inputs.items()}


def disagreement(ours: Side, theirs: Side) -> str:
    """How outputs or gradients of two sides differ, or nothing."""
    for found, expected in zip(ours.outputs(), theirs.outputs(), strict=True):
        error = float((found - expected).abs().max() / expected.abs().max())
        if error > 1e-4:
            return f"an output is off by {error:.2g}"
    ratio = ours.norm() / theirs.norm()
    return "" if abs(ratio - 1) < 1e-3 else f"the norm of the gradients is {ratio:.4f} times the module's"


# What children do


def child_export(name: str, folder: Path) -> None:
    from tests.zoo.export import export

    entry = CASES[name].entry
    (folder / CASES[name].file).write_bytes(export(entry).SerializeToString())


def child_time(name: str, folder: Path) -> dict[str, Any]:
    case = CASES[name]
    ours, theirs = Side(case, "twin", folder), Side(case, "module", folder)
    wrong = disagreement(ours, theirs)
    repeats = 60 if case.entry.family == "tables" else 8
    taken = interleaved({"twin": ours.step, "module": theirs.step}, repeats, warmup=2)
    return {"wrong": wrong, **{side: timing.seconds for side, timing in taken.items()}}


def child_compiled(name: str, folder: Path) -> dict[str, Any]:
    case = CASES[name]
    ours, theirs = Side(case, "compiled", folder), Side(case, "twin", folder)
    wrong = disagreement(ours, theirs)
    repeats = 30 if case.entry.family == "tables" else 4
    taken = interleaved({"compiled": ours.step, "twin": theirs.step}, repeats, warmup=2)
    return {"wrong": wrong, **{side: timing.seconds for side, timing in taken.items()}}


def child_steps(name: str, folder: Path, kind: str) -> int:
    """Take steps on one side; the private memory, in bytes, that the process had before it was built."""
    import torch

    from tests.zoo import attention, tables, vision  # noqa: F401

    if kind == "twin":
        from studio import formats  # noqa: F401
        from studio.twin import module  # noqa: F401
        from studio.twin.operators import known

        known()
    small = torch.nn.Linear(2, 2)
    small(torch.ones(1, 2)).sum().backward()  # what torch loads with its first step
    before = private_memory()
    side = Side(CASES[name], kind, folder)
    for _ in range(60 if CASES[name].entry.family == "tables" else 5):
        side.step()
    return before


def _off(found: Any, expected: dict[str, Any]) -> str:
    pairs = zip(found, expected.values(), strict=True)
    error = max(float(abs(ours.numpy() - theirs).max() / (abs(theirs).max() or 1)) for ours, theirs in pairs)
    return "" if error <= 1e-4 else f"off by {error:.2g}"


def child_peer(peer: str, names: list[str]) -> dict[str, str]:
    """What a converter makes of each architecture: "" if its outputs are right, else how they are not."""
    import importlib

    import onnx
    import torch

    from studio.formats import load
    from studio.measure.session import SessionOptions, open_session

    found = {}
    for name in names:
        path, feeds = zoo.path(name), zoo.feeds(name)
        expected = open_session(load(path), SessionOptions(optimize=False)).run(feeds)
        try:
            converter = importlib.import_module(peer)
            module = converter.convert(str(path)) if peer == "onnx2torch" else converter.ConvertModel(onnx.load(path))
            with torch.no_grad():
                outputs = module.eval()(*(torch.from_numpy(value) for value in feeds.values()))
            outputs = outputs if isinstance(outputs, tuple | list) else [outputs]
            found[name] = _off(outputs, expected)
        except Exception as error:
            found[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:160]
    return found


def child_ours(names: list[str]) -> dict[str, str]:
    """The same for the twin."""
    import torch

    from studio.formats import load
    from studio.measure.session import SessionOptions, open_session
    from studio.twin.module import Twin

    found = {}
    for name in names:
        model, feeds = load(zoo.path(name)), zoo.feeds(name)
        expected = open_session(model, SessionOptions(optimize=False)).run(feeds)
        try:
            with torch.no_grad():
                outputs = Twin(model).eval()({key: torch.from_numpy(value) for key, value in feeds.items()})
            errors = [
                float(abs(outputs[key].numpy() - value).max() / (abs(value).max() or 1)) for key, value in expected.items()
            ]
            found[name] = "" if max(errors) <= 1e-4 else f"off by {max(errors):.2g}"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"[:160]
    return found


# What the parent does


def _child(*arguments: str, path: Path | None = None, steady: bool = False) -> Any:
    environment = {"OMP_NUM_THREADS": str(THREADS), "PYTHONWARNINGS": "ignore"}
    if steady:
        environment["MALLOC_MMAP_THRESHOLD_"] = str(1 << 17)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return fresh(__file__, "child", *arguments, environment=environment)


def rows_of(name: str, folder: Path) -> list[Row]:
    case = CASES[name]
    if not (folder / case.file).exists():
        _child("export", name, str(folder))
    timed = _child("time", name, str(folder)).answer
    runs: dict[str, list[Fresh]] = {"twin": [], "module": []}
    for _ in range(3):
        for kind in runs:
            runs[kind].append(_child("steps", name, str(folder), kind, steady=True))
    ours, theirs = (1000 * statistics.median(timed[kind]) for kind in runs)
    own = [statistics.median(run.private - run.answer for run in runs[kind]) / 1e6 for kind in runs]
    whole = [statistics.median(run.private for run in runs[kind]) / 1e6 for kind in runs]
    least = 1 / case.limit
    rows = [
        Row(f"{name}: time", "ms", ours, theirs, "torch module", least, wrong=timed["wrong"]),
        Row(f"{name}: memory of the network and its steps", "MB", *own, "torch module", least, wrong=timed["wrong"]),
        Row(f"{name}: memory of the process", "MB", *whole, "torch module", wrong=timed["wrong"]),
    ]
    try:
        made = _child("compiled", name, str(folder)).answer
        seconds = [1000 * statistics.median(made[kind]) for kind in ("compiled", "twin")]
        rows.append(Row(f"{name}: compiled", "ms", *seconds, "the twin itself", wrong=made["wrong"]))
    except RuntimeError as error:
        rows.append(Row(f"{name}: compiled", "ms", 0, wrong=str(error).strip().splitlines()[-1][:200]))
    return rows


def peer_rows(folder: Path) -> list[Row]:
    names = zoo.names()
    (folder / "names.json").write_text(json.dumps(names), "utf-8")
    ours = _child("ours", str(folder / "names.json")).answer
    good = sum(not why for why in ours.values())
    rows = []
    for peer, requirement in PEERS.items():
        place = folder / peer
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place), requirement]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            print(f"{requirement} cannot be had: {done.stderr.strip().splitlines()[-1]}")
            continue
        _without_torchvision(place)
        theirs = _child("peer", peer, str(folder / "names.json"), path=place).answer
        right = sum(not why for why in theirs.values())
        note = f"of {len(names)}"
        rows.append(
            Row("architectures of the zoo converted, outputs within 1e-4", "models", good, right, peer, higher=True, note=note)
        )
        for name, why in theirs.items():
            if why:
                print(f"{peer} {name}: {why}")
    for name, why in ours.items():
        if why:
            print(f"twin {name}: {why}")
    return rows


def _without_torchvision(folder: Path) -> None:
    """Let converters be imported that import torchvision, of which no build fits every torch, for a few detection operators."""
    stub = folder / "torchvision"
    stub.mkdir(exist_ok=True)
    names = {"ops": "nms = box_convert = deform_conv2d = roi_pool = roi_align", "io": "decode_image = ImageReadMode"}
    for module, assigned in names.items():
        text = f"from unittest.mock import MagicMock\n\n{assigned} = MagicMock()\n"
        (stub / f"{module}.py").write_text(text, "utf-8")
    (stub / "__init__.py").write_text("from torchvision import io, ops\n", "utf-8")


def main(words: list[str]) -> int:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in CASES:
            if not words or any(word.lower() in name.lower() for word in words):
                rows += rows_of(name, folder)
                print(*(f"{row.what}: {row.ours:.4g} / {row.theirs or 0:.4g} {row.verdict}" for row in rows[-4:]), sep="\n")
        if not words or "peers" in words:
            rows += peer_rows(folder)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    notes = [
        f"{THREADS} thread; load of the machine at the end: {load:.1f}.",
        "Ratio: how many times less ours takes; 0.91x is 1.1 times the module's figure, 0.77x is 1.3 times.",
    ]
    if words:
        for row in rows:
            print(f"{row.what}: {row.ours:.4g}, {row.theirs or 0:.4g} {row.unit}, {row.ratio or 0:.3f} {row.verdict}")
        return 0
    return write("twin", "The twin against hand-written torch", rows, ("torch", "onnx", "onnx-ir", "onnxscript"), notes)


def child(work: str, *rest: str) -> None:
    """Do one thing in this process and print what it says as JSON, on a line of its own."""
    warnings.simplefilter("ignore")
    works: dict[str, Callable[[], Any]] = {
        "export": lambda: child_export(rest[0], Path(rest[1])),
        "time": lambda: child_time(rest[0], Path(rest[1])),
        "compiled": lambda: child_compiled(rest[0], Path(rest[1])),
        "steps": lambda: child_steps(rest[0], Path(rest[1]), rest[2]),
        "peer": lambda: child_peer(rest[0], json.loads(Path(rest[1]).read_text("utf-8"))),
        "ours": lambda: child_ours(json.loads(Path(rest[0]).read_text("utf-8"))),
    }
    import torch

    torch.set_num_threads(THREADS)
    with contextlib.redirect_stdout(sys.stderr):
        answer = works[work]()
    print(json.dumps(answer))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        sys.exit(main(sys.argv[1:]))
