# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The layers of docs/examples/layers at small sizes, and what they compute, in NumPy.

Each takes the inputs and the weights by name and gives the results in order. bf16 values are rounded where the layer
rounds them.
"""

import numpy as np
from safetensors import bf16

# Numbers of the example and what they become; words such as bf16 are left alone. Some widths fill no vector.
SIZES = {
    "mixtral": {4096: 24, 14336: 20},
    "deepseek_v3": {7168: 24, 2048: 20, 256: 16},
    "gpt_oss": {2880: 25, 5760: 50, 32: 6},
    "longcat_flash": {6144: 24, 2048: 20, 768: 18, 512: 13, 256: 5},
    "llama4": {5120: 24, 8192: 17, 16384: 34, 16: 5},
    "dense": {96: 35, 40: 19},
    "gaussian_mixture": {},
    "two_level_tree": {},
    "patch_expert_choice": {},
}


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def best(values, k):
    return np.argsort(-values, kind="stable")[:k]


def mixtral(w, x):
    logits = bf16(x @ w["router"].T)
    out, ids, weights = [], [], []
    for row, logit in zip(x, logits, strict=True):
        scores = softmax(logit)
        chosen = np.sort(best(scores, 2))  # moe-run lists the experts of a row in ascending order
        weight = scores[chosen] / scores[chosen].sum()
        mlps = [w["down"][e] @ bf16(silu(w["gate"][e] @ row) * (w["up"][e] @ row)) for e in chosen]
        out.append(sum(p * y for p, y in zip(weight, mlps, strict=True)))
        ids.append(chosen)
        weights.append(weight)
    return [np.reshape(v, (len(x), -1)) for v in (out, logits, ids, weights)]


def deepseek_v3(w, x):
    out = []
    for row in x:
        scores = sigmoid(w["router"] @ row)
        biased = scores + w["bias"]
        groups = biased.reshape(8, -1)
        kept = best(np.sort(groups, axis=1)[:, -2:].sum(axis=1), 4)
        masked = np.full_like(groups, -np.inf)
        masked[kept] = groups[kept]
        chosen = best(masked.ravel(), 8)
        weight = scores[chosen] / (scores[chosen].sum() + 1e-20) * 2.5
        mlps = [w["down"][e] @ bf16(silu(w["gate"][e] @ row) * (w["up"][e] @ row)) for e in chosen]
        shared = w["shared_down"] @ bf16(silu(w["shared_gate"] @ row) * (w["shared_up"] @ row))
        out.append(sum(p * y for p, y in zip(weight, mlps, strict=True)) + shared)
    return [np.reshape(out, x.shape)]


def gpt_oss(w, x):
    out = []
    for row in x:
        logits = bf16(w["router"] @ row + w["router_bias"])
        chosen = best(logits, 4)
        weight = bf16(softmax(logits[chosen]))
        y = 0
        for p, e in zip(weight, chosen, strict=True):
            gate = np.minimum(w["gate"][e] @ row + w["gate_bias"][e], 7)
            up = np.clip(w["up"][e] @ row + w["up_bias"][e], -7, 7)
            y = y + p * (w["down"][e] @ bf16(gate * sigmoid(1.702 * gate) * (up + 1)) + w["down_bias"][e])
        out.append(y)
    return [np.reshape(out, x.shape)]


def longcat_flash(w, x):
    out, experts = [], len(w["gate"])
    for row in x:
        scores = softmax(w["router"] @ row)
        y = np.zeros(len(row))
        for e in best(scores + w["bias"], 12):
            is_mlp = e < experts
            mlp = is_mlp and w["down"][e] @ bf16(silu(w["gate"][e] @ row) * (w["up"][e] @ row))
            y += scores[e] * 6 * (mlp if is_mlp else row)
        out.append(y)
    return [np.reshape(out, x.shape)]


def llama4(w, x):
    out = []
    for row in x:
        logits = bf16(w["router"] @ row)
        e = best(logits, 1)[0]
        sent = bf16(row * bf16(sigmoid(logits[e])))
        routed = w["down"][e] @ bf16(silu(w["gate"][e] @ sent) * (w["up"][e] @ sent))
        out.append(routed + w["shared_down"] @ bf16(silu(w["shared_gate"] @ row) * (w["shared_up"] @ row)))
    return [np.reshape(out, x.shape)]


def dense(w, x):
    out = []
    for row in x:
        mlps = [down @ np.tanh(up @ row) for up, down in zip(w["up"], w["down"], strict=True)]
        out.append(softmax(w["router"] @ row) @ np.array(mlps))
    return [np.reshape(out, x.shape)]


def gaussian_mixture(w, x, y):
    out = []
    for row, (value,) in zip(x, y, strict=True):
        logits = w["gate"] @ row + w["gate_bias"]
        chosen = best(logits, 2)
        total = 0
        for p, e in zip(softmax(logits[chosen]), chosen, strict=True):
            sigma = np.exp(w["log_sigma"][e, 0])
            z = (value - (w["slope"][e, 0] @ row + w["mean"][e, 0])) / sigma
            total += p * np.exp(-z * z / 2) / (sigma * np.sqrt(2 * np.pi))
        out.append(np.log(total))
    return [np.reshape(out, (-1, 1))]


def two_level_tree(w, x):
    out = []
    for row in x:
        node = np.argmin(((w["nodes"] - row) ** 2).sum(axis=1))
        leaf = 4 * node + np.argmin(((w["leaves"][4 * node : 4 * node + 4] - row) ** 2).sum(axis=1))
        z = w["hidden"][leaf] @ row
        out.append(w["head"][leaf] @ np.where(z > 0, z, w["slope"][leaf] * z))
    return [np.reshape(out, (-1, 1))]


def patch_expert_choice(w, x):
    out = np.zeros((len(x), 1))
    for begin in range(0, len(x), 16):
        sample = x[begin : begin + 16]
        for e in range(8):
            logits = sample @ w["router"][e]
            chosen = best(logits, 2)
            for p, t in zip(softmax(logits[chosen]), chosen, strict=True):
                out[begin + t] += p * (w["head"][e] @ np.maximum(w["hidden"][e] @ sample[t], 0))
    return [out]
