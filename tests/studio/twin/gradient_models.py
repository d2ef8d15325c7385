"""Small models of operators that ONNX has no conformance case of with float tensors alone, in ONNX's text format.

Inputs are fed with numbers between -1 and 1.
"""

from __future__ import annotations

MODELS = {
    "activations before opset 10": """(double[3, 4] x) => (double[3, 4] y) {
        a = Affine <alpha = 1.5, beta = 0.5> (x)
        b = ParametricSoftplus <alpha = 1.5, beta = 0.5> (a)
        y = ScaledTanh <alpha = 1.5, beta = 0.5> (b)
    }""",
    "branch": """(double[3, 4] x) => (double[3, 4] y) {
        zero = Constant <value = double {0.0}> ()
        total = ReduceSum <keepdims = 0> (x)
        condition = Greater (total, zero)
        y = If (condition) <
            then_branch = first () => (double[3, 4] p) { p = Mul (x, x) },
            else_branch = second () => (double[3, 4] q) { q = Exp (x) }
        >
    }""",
    "cast": """(double[3, 4] x) => (float[3, 4] z) {
        y = Cast <to = 1> (x)
        one = Constant <value = float {1.0}> ()
        z = CastLike (y, one)
    }""",
    "optional": """(double[3, 4] x) => (double[3, 4] y) {
        maybe = Optional (x)
        y = OptionalGetElement (maybe)
    }""",
    "pools": """(double[1, 2, 6, 6] x) => (double[1, 2, 1, 1] y, double[1, 2, 2, 2] z) {
        y = GlobalLpPool <p = 3> (x)
        region = Constant <value = float[1, 5] {0.0, 0.0, 0.0, 4.0, 4.0}> ()
        z = MaxRoiPool <pooled_shape = [2, 2]> (x, region)
    }""",
    "range": """(double start, double step) => (double[n] y) {
        one = Constant <value = double {1.0}> ()
        ten = Constant <value = double {10.0}> ()
        delta = Add (step, one)
        y = Range (start, ten, delta)
    }""",
    "sequence": """(double[3, 4] x, double[3, 4] y) => (double[3, 4] first, double[n, 4] all, double[1, 4] last) {
        zero = Constant <value = int64 {0}> ()
        pair = SequenceConstruct (x, y)
        three = SequenceInsert (pair, x, zero)
        two = SequenceErase (three, zero)
        squares = SequenceMap (two) <body = square (double[3, 4] e) => (double[3, 4] f) { f = Mul (e, e) }>
        first = SequenceAt (squares, zero)
        rows = SplitToSequence <axis = 0> (first)
        all = ConcatFromSequence <axis = 0> (squares)
        last = SequenceAt (rows, zero)
    }""",
    "triangle": """(double[3, 4] x) => (double[3, 4] y) {
        y = Trilu <upper = 0> (x)
    }""",
}
