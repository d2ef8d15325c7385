"""Small models of ONNX Runtime's own operators, in ONNX's text format. Inputs are fed with numbers between -1 and 1."""

from __future__ import annotations

MODELS = {
    "gelus": """(double[3, 4] x, double[4] bias) => (double[3, 4] y, double[3, 2] z) {
        a = com.microsoft.Gelu (x)
        b = com.microsoft.BiasGelu (a, bias)
        c = com.microsoft.FastGelu (b, bias)
        y = com.microsoft.QuickGelu (c)
        z = com.microsoft.BiasSplitGelu (x, bias)
    }""",
    "biases": """(double[3, 4, 2] x, double[2] bias, double[3, 4, 2] skip) => (double[3, 4, 2] y) {
        a = com.microsoft.BiasAdd (x, bias, skip)
        y = com.microsoft.BiasSoftmax <axis = 1, is_inner_broadcast = 0> (a, skip)
    }""",
    "products": """(double[3, 4] a, double[3, 4] b, double[4] bias, double[4, 4] w)
        => (double[3, 3] c, double[4, 4] d, double[3, 4] y, double[4, 4] z) {
        c = com.microsoft.FusedMatMul <alpha = 0.5, transB = 1> (a, b)
        d = com.microsoft.TransposeMatMul <transA = 1> (a, b)
        e = com.microsoft.FusedGemm <activation = "LeakyRelu", activation_alpha = 0.1> (b, w, bias)
        y = com.microsoft.GemmFastGelu (e, w, bias)
        g = com.microsoft.Trilu (w)
        z = com.microsoft.Inverse (g)
    }""",
    "convolutions": """(double[1, 2, 5, 5] x, double[3, 2, 3, 3] w, double[3] bias, double[1, 3, 3, 3] z, double[1, 5, 5, 2] u)
        => (double[1, 3, 3, 3] y, double[1, 3, 3, 3] v, double[1, 3, 3, 3] t) {
        y = com.microsoft.FusedConv <activation = "Tanh"> (x, w, bias, z)
        v = com.microsoft.NhwcConv (u, w, bias)
        t = com.microsoft.NhwcFusedConv <activation = "Sigmoid"> (u, w, bias)
    }""",
    "norms": """(double[2, 3, 4] x, double[2, 3, 4] skip, double[4] gamma, double[4] beta)
        => (double[2, 3, 4] a, double[2, 3, 4] b, double[2, 3, 4] c, double[2, 3, 4] d) {
        a = com.microsoft.LayerNormalization (x, gamma, beta)
        b = com.microsoft.SimplifiedLayerNormalization (x, gamma)
        c = com.microsoft.SkipLayerNormalization (x, skip, gamma, beta)
        d = com.microsoft.SkipSimplifiedLayerNormalization (x, skip, gamma)
    }""",
    "norms in the standard domain": """(double[2, 3, 4] x, double[2, 3, 4] skip, double[4] gamma, double[4] beta)
        => (double[2, 3, 4] b, double[2, 3, 4] c, double[2, 3, 4] d) {
        b = SimplifiedLayerNormalization (x, gamma)
        c = SkipLayerNormalization (x, skip, gamma, beta)
        d = SkipSimplifiedLayerNormalization (x, skip, gamma)
    }""",
    "norms of groups": """(double[1, 3, 3, 4] x, double[4] gamma, double[4] beta, double[1, 3, 3, 4] skip)
        => (double[1, 3, 3, 4] y, double[1, 3, 3, 4] z) {
        y = com.microsoft.GroupNorm <groups = 2, activation = 1> (x, gamma, beta)
        z = com.microsoft.SkipGroupNorm <groups = 2, activation = 0> (x, gamma, beta, skip)
    }""",
    "embeddings": """(double[5, 4] words, double[3, 4] positions, double[2, 4] segments, double[4] gamma, double[4] beta)
        => (double[1, 3, 4] y) {
        ids = Constant <value = int32[1, 3] {1, 4, 1}> ()
        parts = Constant <value = int32[1, 3] {0, 0, 1}> ()
        y, mask = com.microsoft.EmbedLayerNormalization (ids, parts, words, positions, segments, gamma, beta)
    }""",
    "attention": """(double[1, 3, 4] x, double[4, 12] w, double[12] bias) => (double[1, 3, 4] y) {
        y = com.microsoft.Attention <num_heads = 2> (x, w, bias)
    }""",
    "attention of heads": """(double[1, 3, 4] q, double[1, 2, 4] k, double[1, 2, 4] v, double[12] bias) => (double[1, 3, 4] y) {
        y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v, bias)
    }""",
    "attention of groups": """(double[1, 3, 8] q, double[1, 3, 4] k, double[1, 3, 4] v) => (double[1, 3, 8] y) {
        last = Constant <value = int32[1] {2}> ()
        length = Constant <value = int32 {3}> ()
        y = com.microsoft.GroupQueryAttention <num_heads = 4, kv_num_heads = 2> (q, k, v, , , last, length)
    }""",
    "positions": """(double[3, 4] x) => (double[4, 5] y, double[2, 4] z) {
        pads = Constant <value = int64[4] {0, 1, 1, 0}> ()
        y = com.microsoft.Pad (x, pads)
        places = Constant <value = int64[2, 1] {2, 0}> ()
        z = com.microsoft.GatherND (x, places)
    }""",
    "rotation": """(double[1, 2, 3, 4] x, double[3, 2] cosines, double[3, 2] sines) => (double[1, 2, 3, 4] y) {
        places = Constant <value = int64[1, 3] {0, 1, 2}> ()
        y = com.microsoft.RotaryEmbedding (x, places, cosines, sines)
    }""",
    "grid": """(double[1, 1, 4, 4] x, double[1, 2, 2, 2] grid) => (double[1, 1, 2, 2] y) {
        y = com.microsoft.GridSample (x, grid)
    }""",
    "scales of integers": """(double[2, 16] x, double a_scale, double[3] b_scale, double[3, 1] table_scale)
        => (double[2, 3] y, double[2, 3] z, double[2, 3] u, double[2, 16] t) {
        a = Constant <value = uint8[2, 3] {1, 2, 3, 4, 5, 6}> ()
        b = Constant <value = uint8[3, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9}> ()
        y = com.microsoft.MatMulIntegerToFloat (a, b, a_scale, b_scale)
        z = com.microsoft.DequantizeLinear (a, a_scale)
        packed = Constant <value = uint8[3, 1, 8] {
            18, 52, 86, 120, 154, 188, 222, 240, 1, 35, 69, 103, 137, 171, 205, 239, 18, 52, 86, 120, 154, 188, 222, 240}> ()
        u = com.microsoft.MatMulNBits <K = 16, N = 3, bits = 4, block_size = 16> (x, packed, b_scale)
        rows = Constant <value = int64[2] {2, 0}> ()
        shape = Constant <value = int64[2] {3, 8}> ()
        bytes = Reshape (packed, shape)
        t = com.microsoft.GatherBlockQuantized <bits = 4, block_size = 16, quantize_axis = 1> (bytes, rows, table_scale)
    }""",
}
