"""Memory of each of two processes that distill a model of 60 million weights, held by both as a whole or by each in half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from common import Row, private_memory, write
from onnx import parser

from studio import formats
from studio.method import Context, make_method

_STEPS = 6
_SHAPES = {"table": (200_000, 128), "w1": (128, 4096), "w2": (4096, 4096), "w3": (4096, 4096), "w4": (4096, 10)}
_NETWORK = """
<ir_version: 8, opset_import: ["" : 17]>
sixty_million (int64[n, 8] ids) => (float[n, 10] logits)
{
  rows = Gather (table, ids)
  words = ReduceMean <axes = [1], keepdims = 0> (rows)
  a1 = MatMul (words, w1)  h1 = Relu (a1)
  a2 = MatMul (h1, w2)  h2 = Relu (a2)
  a3 = MatMul (h2, w3)  h3 = Relu (a3)
  logits = MatMul (h3, w4)
}
"""


def network(path: Path, noise: float) -> None:
    """Write the network, whose weights are drawn the same every time, with noise of a share of their deviation on top."""
    proto = parser.parse_model(_NETWORK)
    for number, (name, shape) in enumerate(_SHAPES.items()):
        values, off = (np.random.default_rng([number, k]).standard_normal(shape, np.float32) for k in range(2))
        values = (values + np.float32(noise) * off) * np.float32((2 / shape[0]) ** 0.5 if name != "table" else 1)
        proto.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    onnx.save(proto, path, save_as_external_data=True, location=path.stem + ".data")


def work(folder: Path, sharding: str) -> None:
    """What each process does: train, and leave its greatest private memory, and the first one also the weights."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            peak[0] = max(peak[0], private_memory())

    student, teacher = (formats.load(folder / name) for name in ("student.onnx", "teacher.onnx"))
    settings = {"steps": _STEPS, "batch_size": 16, "learning_rate": 1e-5, "patience": 0, "checkpoint_seconds": 0.0}
    training = make_method("distill", {**settings, "processes": 2, "sharding": sharding})
    before, start = private_memory(), time.perf_counter()
    watcher = threading.Thread(target=watch)
    watcher.start()
    after = training.apply(student, student.layers, Context(original=teacher))
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    rank = os.environ["RANK"]
    told = {"peak": peak[0] - before, "seconds": seconds}
    (folder / f"{sharding}.{rank}.json").write_text(json.dumps(told), "utf-8")
    if rank == "0":
        np.savez(folder / f"{sharding}.npz", **{name: tensor.numpy() for name, tensor in after.tensors()})


def measured(folder: Path, sharding: str) -> list[dict[str, Any]]:
    """What two processes told."""
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    torchrun += ["--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"]
    environment = {**os.environ, "STUDIO_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *torchrun, __file__, str(folder), sharding], env=environment, check=True)
    return [json.loads((folder / f"{sharding}.{rank}.json").read_text("utf-8")) for rank in range(2)]


def difference(folder: Path) -> str:
    """How the weights that came out disagree, measured in how far they were trained, or nothing."""
    start = {name: tensor.numpy() for name, tensor in formats.load(folder / "student.onnx").tensors()}
    with np.load(folder / "none.npz") as one, np.load(folder / "full.npz") as two:
        for name in _SHAPES:
            moved, apart = (float(np.linalg.norm(one[name] - other[name])) for other in (start, two))
            if not apart < 1e-3 * moved:
                return f"{name} moved by {moved:.2g} and came out {apart:.2g} apart"
    return ""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network(folder / "teacher.onnx", 0.0)
        network(folder / "student.onnx", 0.1)
        whole, half = measured(folder, "none"), measured(folder, "full")
        wrong = difference(folder)
    count = sum(int(np.prod(shape)) for shape in _SHAPES.values())
    what = f"{count / 1e6:.0f} M float32 weights distilled from as many, AdamW, two processes"
    memory = [max(one["peak"] for one in told) / 2**20 for told in (half, whole)]
    seconds = [max(one["seconds"] for one in told) for told in (half, whole)]
    rows = [
        Row(f"{what}: private memory of each", "MiB", *memory, peer="every process holds all", target=1.6, wrong=wrong),
        Row(f"{what}: {_STEPS} steps with all around them", "s", *seconds, peer="every process holds all", wrong=wrong),
    ]
    notes = [
        "Private memory is the greatest amount of anonymous memory during the step, above that before it.",
        "Weights that came out of both agree within 0.1 % of how far they moved.",
        "The two processes share this machine's cores, and exchange weights through its memory by Gloo.",
    ]
    return write("sharding", "Weights divided among processes", rows, ("torch", "lightning-fabric"), notes)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        work(Path(sys.argv[1]), sys.argv[2])
    else:
        sys.exit(main())
