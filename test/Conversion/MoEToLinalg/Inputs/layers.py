#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small layers, run through the reference lowering and held against NumPy.

usage: layers.py emit > module.mlir     the layers, and a main that runs them and prints their results
       layers.py check < printed        compares what main printed with the same layers computed here
"""

import re
import sys
from pathlib import Path

import numpy as np

F32 = np.float32
INF = np.inf


def bf16(values):
    """Rounded to bf16, to the nearest, ties to even."""
    bits = np.array(values, F32, ndmin=1).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)).view(F32).reshape(np.shape(values))


def best(values, k):
    return np.argsort(-values, kind="stable")[:k]


def softmax(values):
    exp = np.exp(values - values.max())
    return exp / exp.sum()


def silu(x):
    return x / (1 + np.exp(-x))


def random(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(F32)


# ===-- The layers of layers.mlir: arguments, and the results in order ---===

T, E, D, F = 6, 5, 6, 7
X, ROUTER, BIAS = random(1, T, D), random(2, E, D), random(3, E)
GATE, UP, DOWN, UP_BIAS = random(4, E, F, D), random(5, E, F, D), random(6, E, D, F), random(7, E, F)


def swiglu():
    logits = X @ ROUTER.T + BIAS
    ids, weights, output = [], [], np.zeros((T, D))
    for t in range(T):
        scores = softmax(logits[t])
        chosen = best(scores, 2)
        weight = scores[chosen] / scores[chosen].sum()
        for e, w in zip(chosen, weight, strict=True):
            output[t] += w * (DOWN[e] @ (silu(GATE[e] @ X[t]) * (UP[e] @ X[t] + UP_BIAS[e])))
        ids.append(chosen)
        weights.append(weight)
    return [X, ROUTER, BIAS, GATE, UP, DOWN, UP_BIAS], [output, logits, ids, weights]


def rounded():
    """bf16 rows and weights: each product, score and output is rounded once."""
    x, router, up, down = bf16(X), bf16(ROUTER), bf16(UP), bf16(DOWN)
    logits, output = bf16(x @ router.T), np.zeros((T, D))
    for t in range(T):
        e = best(logits[t], 1)[0]
        w = bf16(1 / (1 + np.exp(-logits[t][e])))
        row = bf16(x[t] * w)
        output[t] = bf16(down[e] @ bf16(np.maximum(up[e] @ row, 0)))
    return [x, router, up, down], [output + x, logits]


IDS = np.array([[0, 1, 2], [4, -1, 3], [-1, -1, -1], [2, 2, 0], [-1, 1, -1], [3, 0, 4]], np.int32)
WEIGHTS = np.abs(random(8, T, 3))


def combinations():
    outputs = {kind: np.zeros((T, 2)) for kind in ("weighted_sum", "sum", "mean", "max", "log_sum_exp")}
    heads = 40 * random(9, E, 2, D)  # far apart, so that exp of the largest would overflow in f32
    for t in range(T):
        pairs = [(w, heads[e] @ X[t]) for e, w in zip(IDS[t], WEIGHTS[t], strict=True) if e >= 0]
        ys = np.array([y for _, y in pairs]).reshape(-1, 2).astype(float)
        ws = np.array([[w] for w, _ in pairs]).reshape(-1, 1)
        outputs["weighted_sum"][t] = (ws * ys).sum(0)
        outputs["sum"][t] = ys.sum(0)
        outputs["mean"][t] = ys.mean(0) if pairs else 0
        outputs["max"][t] = ys.max(0) if pairs else -INF
        outputs["log_sum_exp"][t] = np.log((ws * np.exp(ys)).sum(0))
    return [X, IDS, WEIGHTS, heads], list(outputs.values())


def distances():
    squares = ((X[:, None] - ROUTER[None]) ** 2).sum(2)
    return [X, ROUTER], [-squares, -np.sqrt(squares)]


LAYERS = [swiglu, rounded, combinations, distances]

# ===-- The module ---===


def literal(values, kind):
    if np.ndim(values) > 0:
        return "[" + ", ".join(literal(value, kind) for value in values) + "]"
    return str(values) if kind == "i32" else f"{float(values):.9e}"


def emit():
    layers = (Path(__file__).parent / "layers.mlir").read_text()
    yield layers
    yield "func.func private @printMemrefI32(tensor<*xi32>) attributes { llvm.emit_c_interface }"
    yield "func.func private @printMemrefF32(tensor<*xf32>) attributes { llvm.emit_c_interface }"
    yield "func.func @main() {"
    for layer in LAYERS:
        name = layer.__name__
        arguments, results = re.search(rf"@{name}\((.*?)\)\s*->\s*\((.*?)\) {{", layers, re.S).groups()
        arguments, results = (re.findall(r"tensor<[^>]*>", text) for text in (arguments, results))
        for i, (kind, values) in enumerate(zip(arguments, layer()[0], strict=True)):
            element = re.search(r"(\w+)>", kind).group(1).split("x")[-1]
            static = f"tensor<{'x'.join(map(str, np.shape(values)))}x{element}>"
            yield f"  %{name}_c{i} = arith.constant dense<{literal(values, element)}> : {static}"
            yield f"  %{name}_a{i} = tensor.cast %{name}_c{i} : {static} to {kind}"
        names = ", ".join(f"%{name}_a{i}" for i in range(len(arguments)))
        yield f"  %{name}:{len(results)} = call @{name}({names}) : ({', '.join(arguments)}) -> ({', '.join(results)})"
        for i, kind in enumerate(results):
            element = "i32" if "xi32" in kind else "f32"
            yield f"  %{name}_r{i} = tensor.cast %{name}#{i} : {kind} to tensor<*x{element}>"
            yield f"  call @printMemref{element.upper()}(%{name}_r{i}) : (tensor<*x{element}>) -> ()"
    yield "  return"
    yield "}"


def check(text):
    blocks = re.findall(r"data =\s*(\[\[.*?\]\])", text, re.S)
    tables = [np.array([row.split(",") for row in re.findall(r"\[([^\[\]]*)\]", block)], float) for block in blocks]
    count = 0
    for layer in LAYERS:
        for i, expected in enumerate(layer()[1]):
            got = tables[count]
            count += 1
            if got.shape != np.shape(expected) or not np.allclose(got, expected, rtol=1e-4, atol=1e-5):
                sys.exit(f"{layer.__name__}, result {i}\nexpected\n{np.array(expected)}\ngot\n{got}")
    if count != len(tables):
        sys.exit(f"expected {count} tables, got {len(tables)}")
    print(f"{len(LAYERS)} layers, {count} results agree")


if __name__ == "__main__":
    np.seterr(all="ignore")
    if sys.argv[1:] == ["emit"]:
        print("\n".join(emit()))
    elif sys.argv[1:] == ["check"]:
        check(sys.stdin.read())
    else:
        sys.exit(__doc__)
