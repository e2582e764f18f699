# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The models of docs/examples/papers: weights for them, and what the papers' equations give, in NumPy in f64.

Each function returns (weights, inputs, expected): the results in order; ids are compared exactly.
"""

import numpy as np

draw = np.random.default_rng(20).standard_normal


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def best(values, k):
    return np.argsort(-values, axis=-1, kind="stable")[..., :k]


def sparse_classifier():
    """sum over the 2 best of a_j tanh(w_j . x), a the softmax over the two."""
    w = {"router": draw((8, 5)), "expert": draw((8, 1, 5))}
    x = draw((400, 5))
    out = []
    for row in x:
        gates = w["router"] @ row
        top = best(gates, 2)
        out.append([softmax(gates[top]) @ np.tanh(w["expert"][top, 0] @ row)])
    return w, [x], [np.array(out)]


def mixture(w, x, y, k):
    """log p(y | x) of a top-k mixture of Gaussians."""
    out = []
    for xr, yr in zip(x, y[:, 0], strict=True):
        gates = w["gate"] @ xr + w["gate_bias"]
        top = best(gates, k)
        sigma = np.exp(w["log_sigma"][top, 0])
        mean = w["slope"][top, 0] @ xr + w["mean"][top, 0]
        density = np.exp(-0.5 * ((yr - mean) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        out.append([np.log(softmax(gates[top]) @ density)])
    return np.array(out)


def gaussian_exact():
    """The parameters of the paper's experiment. Rows at the border of the regions, x = 0.32, are left out."""
    w = {"gate": [[25.0], [0]], "gate_bias": [-8.0, 0], "slope": [[[-20.0]], [[20]]], "mean": [[15.0], [-5]],
         "log_sigma": np.log([[0.3], [0.4]])}  # fmt: skip
    w = {name: np.array(value) for name, value in w.items()}
    x = np.linspace(0, 1, 501)[:, None]
    x = x[np.abs(x[:, 0] - 0.32) > 1e-3]
    chosen = np.where(x[:, 0] > 0.32, 0, 1)
    mean = w["slope"][chosen, 0, 0] * x[:, 0] + w["mean"][chosen, 0]
    y = (mean + np.array([0.3, 0.4])[chosen] * draw(len(x)))[:, None]
    return w, [x, y], [mixture(w, x, y, 1)]


def gaussian_over_specified():
    w = {"gate": draw((5, 3)), "gate_bias": draw(5), "slope": draw((5, 1, 3)), "mean": draw((5, 1)),
         "log_sigma": draw((5, 1)) / 4}  # fmt: skip
    x, y = draw((300, 3)), draw((300, 1))
    return w, [x, y], [mixture(w, x, y, 4)]


def patches(experts, neurons, k, weigh):
    """Per patch: the sum over experts that picked it of G / l * sum_r a_r relu(w_r . x)."""
    w = {"router": draw((experts, 784)) / 28, "hidden": draw((experts, neurons, 784)) / 28,
         "head": np.sign(draw((experts, 1, neurons)))}  # fmt: skip
    x = draw((5 * 16, 784))
    out = np.zeros((len(x), 1))
    for sample in range(0, len(x), 16):
        scores = x[sample : sample + 16] @ w["router"].T
        for s in range(experts):
            picked = best(scores[:, s], k)
            gates = weigh(scores[picked, s]) / k
            for j, g in zip(picked, gates, strict=True):
                out[sample + j] += g * w["head"][s] @ np.maximum(w["hidden"][s] @ x[sample + j], 0)
    return w, [x], [out]


def patches_separate():
    return patches(2, 20, 2, np.ones_like)


def patches_joint():
    return patches(8, 5, 6, softmax)


def mlps(count):
    return {"w1": draw((count, 32, 2)), "b1": draw((count, 32)), "w2": draw((count, 32, 32)) / 6,
            "b2": draw((count, 32)), "w3": draw((count, 1, 32)) / 6, "b3": draw((count, 1))}  # fmt: skip


def run_mlps(w, x, leaves):
    out = []
    for row, e in zip(x, leaves, strict=True):
        h = np.maximum(w["w1"][e] @ row + w["b1"][e], 0)
        h = np.maximum(w["w2"][e] @ h + w["b2"][e], 0)
        out.append(w["w3"][e] @ h + w["b3"][e])
    return np.array(out)


def grid(side):
    """Centres of the cells of a dyadic grid in the order of a 4-ary tree: the four children of a node together."""
    centres = np.array([[0.5, 0.5]])
    step = 0.25
    while len(centres) < side * side:
        offsets = step * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
        centres = (centres[:, None] + offsets).reshape(-1, 2)
        step /= 2
    return centres


def nearest(x, points):
    return ((x[:, None] - points) ** 2).sum(axis=2).argmin(axis=1)


def inside_cells(rows, side):
    """Rows of the unit square away from the borders of the cells, where rounding would decide."""
    x = np.random.default_rng(side).random((rows, 2))
    away = np.abs((x * side + 0.5) % 1 - 0.5) > 1e-3
    return x[away.all(axis=1)]


def momlp_flat(count=16):
    side = int(count**0.5)
    w = mlps(count) | {"prototypes": grid(side)}
    x = inside_cells(300, side)
    leaves = nearest(x, w["prototypes"])
    return w, [x], [run_mlps(w, x, leaves), leaves[:, None]]


def momlp_flat_4():
    return momlp_flat(4)


def momlp_tree():
    """Cells of the grid nest, so the tree finds the nearest of all prototypes."""
    w = mlps(64) | {"top": grid(2), "middle": grid(4), "prototypes": grid(8)}
    x = inside_cells(400, 8)
    leaves = nearest(x, w["prototypes"])
    return w, [x], [run_mlps(w, x, leaves), leaves[:, None]]


def shallow():
    w = {"gate": draw((4, 16)), "hidden": draw((4, 10, 16)), "hidden_bias": draw((4, 10)), "head": draw((4, 1, 10)),
         "head_bias": draw((4, 1))}  # fmt: skip
    x = draw((300, 16))
    probabilities = softmax(x @ w["gate"].T)
    out = []
    for row, p in zip(x, probabilities, strict=True):
        e = p.argmax()
        out.append(
            p[e] * (w["head"][e] @ np.maximum(w["hidden"][e] @ row + w["hidden_bias"][e], 0) + w["head_bias"][e])
        )
    return w, [x], [np.array(out)]


def piece(i, z):
    """f_i on [i - 1, i]."""
    return i * (i - 1 - z) ** 2 * (z - i) ** 2


def deep(depth, width):
    """Weights of the construction, rows, and the function itself: what the network approximates."""
    w = {}
    for layer in range(depth):
        # i z - i (i - 1) / 2 is the largest of the three where z is in [i - 1, i].
        gate = np.zeros((3, depth))
        gate[:, layer] = [1, 2, 3]
        hidden, head = np.zeros((3, width, depth)), np.zeros((3, depth, width))
        hidden_bias, head_bias = np.zeros((3, width)), np.zeros((3, depth))
        hidden[:, :, layer] = 1
        for e in range(3):
            knots = e + np.arange(width + 1) / width
            values = piece(e + 1, knots) - knots  # what is added to the row
            slopes = np.diff(values) * width
            hidden_bias[e] = -knots[:-1]
            head[e, layer] = np.diff(slopes, prepend=0)
            head_bias[e, layer] = values[0]
        w |= {f"gate{layer}": gate, f"gate_bias{layer}": np.array([0.0, -1, -3]), f"hidden{layer}": hidden,
              f"hidden_bias{layer}": hidden_bias, f"head{layer}": head, f"head_bias{layer}": head_bias}  # fmt: skip
    rows = np.random.default_rng(depth).random((8000, depth)) * 3
    rows = rows[(np.abs(rows - rows.round()) > 1e-4).all(axis=1)]
    ids = np.floor(rows).astype(int)
    return w, rows, piece(ids + 1, rows), ids


MODELS = (sparse_classifier, gaussian_exact, gaussian_over_specified, patches_separate, patches_joint, momlp_flat,
          momlp_flat_4, momlp_tree, shallow)  # fmt: skip
