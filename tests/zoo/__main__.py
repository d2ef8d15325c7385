"""Make the whole zoo and print what is in it: `python -m tests.zoo [part of a name ...]`."""

from __future__ import annotations

import json
import sys
from collections import Counter

import onnx
from onnx import numpy_helper

from tests import zoo


def main(parts: list[str]) -> int:
    """Print a line per architecture; the number that could not be exported is the exit code."""
    print(f"{'name':28s} {'nodes':>5s} {'opset':>5s} {'parameters':>10s} {'MB':>6s} {'s':>5s}  operators")
    failed, total, seconds = 0, 0, 0.0
    for name in zoo.names():
        if parts and not any(part in name for part in parts):
            continue
        try:
            path = zoo.path(name)
        except RuntimeError as error:
            print(f"{name:28s} {str(error).strip().splitlines()[-1][:200]}", flush=True)
            failed += 1
            continue
        model = onnx.load(path)
        opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
        parameters = sum(numpy_helper.to_array(one).size for one in model.graph.initializer)
        took = json.loads(path.with_suffix(".json").read_text("utf-8"))["seconds"]
        operators = " ".join(f"{op}:{count}" for op, count in Counter(node.op_type for node in model.graph.node).most_common())
        size = path.stat().st_size
        total, seconds = total + size, seconds + took
        line = f"{name:28s} {len(model.graph.node):5d} {opset:5d} {parameters:10,d} {size / 1e6:6.2f} {took:5.1f}  {operators}"
        print(line, flush=True)
    print(f"{total / 1e6:.1f} MB, {seconds:.0f} s of export, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
