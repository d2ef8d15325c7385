"""Opening a model in a fresh process: structure, layer table and weight statistics, against onnx.load with numpy.

    python tests/benchmarks/opening.py

Three made models with seeded random weights (speed depends on size and shape, not on values): a chain of MatMul of 100 MB and
a convolutional network of 147 MB, weights inline, and a chain of 1.5 GB with external data. Every run is a process of
its own, from its start to its end, imports included. Ours and the peer describe the same layers in the same figures, which
are compared before any ratio is printed. Memory is private (anonymous) memory at its peak; mapped file pages do not count.
Files are in the page cache, for both sides.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from common import Fresh, Row, fresh, write

_PEER = "onnx.load + numpy"
_REPEATS = 5
_CLOSE = 1e-6  # relative, of means and deviations


def main() -> int:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, build in (("MatMul chain", matmul_chain), ("convolutional network", convolutions)):
            path = Path(folder) / f"{build.__name__}.onnx"
            size = build(path)
            rows += compared(f"{name}, {size / 1e6:.0f} MB inline: structure, table, statistics", path, "describe", 2.5, None)
        path = Path(folder) / "external.onnx"
        size = matmul_chain(path, layers=92, width=2048, external=True)
        rows += compared(f"MatMul chain, {size / 1e9:.1f} GB external data: structure, table", path, "table", 2.0, 400)
        rows += compared(
            f"MatMul chain, {size / 1e9:.1f} GB external data: the same and statistics", path, "describe", None, 400
        )
    notes = [
        f"Medians of {_REPEATS} processes each, ours and the peer in turn. Seconds from the start of Python to its end.",
        "The table: name, operator, stored type, shape and parameters of every layer. Statistics: count, extremes, mean,"
        " standard deviation, zeros and a histogram of 128 bins of every weight.",
        "The peer reads the file with onnx.load and computes the same with numpy (min, max, mean, std, count_nonzero,"
        " histogram); for structure and table alone it may leave external data on disk (load_external_data=False).",
        "Random weights: these rows measure speed and memory, not accuracy.",
    ]
    return write("opening", "Opening a model", rows, ("onnx", "onnx-ir", "numba"), notes)


def compared(what: str, path: Path, task: str, seconds: float | None, megabytes: float | None) -> list[Row]:
    runs: dict[str, list[Fresh]] = {"ours": [], "peer": []}
    fresh(__file__, "ours", task, str(path))  # the file enters the page cache, Python's caches are written
    for _ in range(_REPEATS):
        for side, done in runs.items():
            done.append(fresh(__file__, side, task, str(path)))
    wrong = difference(runs["ours"][0].answer, runs["peer"][0].answer)
    time = {side: median(run.seconds for run in done) for side, done in runs.items()}
    private = {side: max(run.private for run in done) / 1e6 for side, done in runs.items()}
    return [
        Row(what, "s", time["ours"], time["peer"], _PEER, limit=seconds, wrong=wrong),
        Row(
            f"private memory meanwhile ({what.split(':')[0]})",
            "MB",
            private["ours"],
            private["peer"],
            _PEER,
            limit=megabytes,
            wrong=wrong,
        ),
    ]


def difference(ours: dict, peer: dict) -> str:
    """How two answers disagree; "" if they agree."""
    if list(ours) != list(peer):
        return f"{len(set(ours) ^ set(peer))} layers are only in one table"
    for name, mine in ours.items():
        theirs = peer[name]
        if mine["row"] != theirs["row"]:
            return f"layer {name}: {mine['row']} and {theirs['row']}"
        if "exact" not in mine:
            continue
        if mine["exact"] != theirs["exact"]:
            return f"layer {name}: count, extremes or zeros are {mine['exact']} and {theirs['exact']}"
        if not np.allclose(mine["moments"], theirs["moments"], rtol=_CLOSE, atol=_CLOSE * theirs["moments"][1]):
            return f"layer {name}: mean and deviation are {mine['moments']} and {theirs['moments']}"
        off = np.abs(np.subtract(mine["counts"], theirs["counts"])).sum() / sum(theirs["counts"])
        if off > 0.02:
            return f"layer {name}: histograms differ by {off:.1%}"
    return ""


def ours(task: str, path: str) -> dict:
    from studio.formats import load
    from studio.measure.statistics import layer_statistics

    model = load(path)
    table = {layer.name: {"row": [layer.op, layer.precision, list(layer.shape), layer.parameters]} for layer in model.layers}
    if task == "describe":
        for name, found in layer_statistics(model).items():
            summary = found.main.summary
            table[name]["exact"] = [summary.count, summary.minimum, summary.maximum, summary.zeros]
            table[name]["moments"] = [summary.mean, summary.std]
            table[name]["counts"] = found.main.counts.tolist()
    return table


def peer(task: str, path: str) -> dict:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path, load_external_data=task == "describe")
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    table = {}
    for node in model.graph.node:
        read = [weights[name] for name in node.input if name in weights]
        if not read:
            continue
        sizes = [int(np.prod(tensor.dims)) for tensor in read]
        main = read[int(np.argmax(sizes))]
        kind = onnx.helper.tensor_dtype_to_np_dtype(main.data_type).name
        table[node.name] = {"row": [node.op_type, kind, list(main.dims), sum(sizes)]}
        if task != "describe":
            continue
        for tensor in read:
            values = numpy_helper.to_array(tensor)
            low, high = values.min().item(), values.max().item()
            exact = [values.size, low, high, values.size - int(np.count_nonzero(values))]
            moments = [values.mean(dtype=np.float64).item(), values.std(dtype=np.float64).item()]
            counts = np.histogram(values, 128, (low, high))[0].tolist()
            if tensor is main:
                table[node.name] |= {"exact": exact, "moments": moments, "counts": counts}
    return table


def matmul_chain(path: Path, layers: int = 25, width: int = 1000, external: bool = False) -> int:
    """Write a chain of square MatMul weights. Returns the bytes of all weights."""
    from onnx import helper

    rng = np.random.default_rng(0)
    nodes, tensors = [], []
    for i in range(layers):
        nodes.append(helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"], f"matmul{i}"))
        values = rng.standard_normal((width, width), dtype=np.float32) / np.float32(np.sqrt(width))
        tensors.append(tensor(f"w{i}", values, path.with_suffix(".data") if external else None))
    save(path, nodes, tensors, ["n", width], ["n", width], layers)
    return layers * width * width * 4


def convolutions(path: Path) -> int:
    """Write a convolutional network of many small and few large layers. Returns the bytes of all weights."""
    from onnx import helper

    rng = np.random.default_rng(1)
    nodes, tensors, channels, size = [], [], 3, 0
    widths = [32] * 20 + [64] * 40 + [128] * 40 + [256] * 20 + [512] * 6 + [1024]
    for i, width in enumerate(widths):
        nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}", f"b{i}"], [f"x{i + 1}"], f"conv{i}", pads=[1, 1, 1, 1]))
        values = rng.standard_normal((width, channels, 3, 3), dtype=np.float32) / np.float32(np.sqrt(9 * channels))
        bias = rng.standard_normal(width, dtype=np.float32)
        tensors += [tensor(f"w{i}", values, None), tensor(f"b{i}", bias, None)]
        channels, size = width, size + values.nbytes + bias.nbytes
    save(path, nodes, tensors, ["n", 3, 64, 64], ["n", channels, 64, 64], len(widths))
    return size


def tensor(name: str, values: np.ndarray, data: Path | None):
    from onnx import TensorProto, helper

    if data is None:
        return helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.tobytes(), raw=True)
    made = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape, data_location=TensorProto.EXTERNAL)
    with data.open("ab") as file:
        for key, value in (("location", data.name), ("offset", str(file.tell())), ("length", str(values.nbytes))):
            made.external_data.add(key=key, value=value)
        file.write(values.tobytes())
    return made


def save(path: Path, nodes: list, tensors: list, before: list, after: list, count: int) -> None:
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info("x0", TensorProto.FLOAT, before)]
    outputs = [helper.make_tensor_value_info(f"x{count}", TensorProto.FLOAT, after)]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, tensors)
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps({"ours": ours, "peer": peer}[sys.argv[1]](*sys.argv[2:])))
    else:
        sys.exit(main())
